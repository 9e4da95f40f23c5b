"""The fee by the catalogue, with refusals that name what would do."""

from collections.abc import Sequence
from datetime import date

from contracts.catalogue import FeeChoiceError, Service, assess, fees_on
from contracts.facts import FeeLine
from services.processing.refusals import FeeCombination, FeeNotInForce, NoFeeDue, UnknownFee


def fee_lines(service: Service, chosen: Sequence[str], day: date) -> tuple[list[FeeLine], str]:
    """The lines of the fee on `day` and their currency.

    Raises `NoFeeDue`, `UnknownFee`, `FeeNotInForce`, or `FeeCombination` where not exactly one of each group is chosen.
    """
    in_force = {fee.code: fee for fee in fees_on(service, day)}
    if not in_force:
        raise NoFeeDue()
    known = {fee.code for fee in service.fees}
    if unknown := [code for code in chosen if code not in known]:
        raise UnknownFee(fees=unknown, known=sorted(known))
    if ended := [code for code in chosen if code not in in_force]:
        raise FeeNotInForce(fees=ended, day=day, known=sorted(in_force))
    try:
        lines = assess(service, chosen, day)
    except FeeChoiceError as error:
        raise FeeCombination(explanation=str(error), known=sorted(in_force)) from error
    currencies = {in_force[line.fee].currency for line in lines}
    if len(currencies) != 1:
        raise FeeCombination(explanation="choose fees of one currency", known=sorted(in_force))
    return lines, currencies.pop()
