import pytest

from services.intake.access import Attempts, Rate, RateLimit, TooManyAttempts, codes_match, read_credentials

NUMBER = "LBG-0000-0000-0000-0000-0"
CODE = "7F3K-9QXD-2M4T-8HVZ-0C1D"


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_number_and_code_are_read_as_a_person_types_them() -> None:
    given = read_credentials("lbg oooo 0000 0000 0000 0", "7f3k9qxd2m4t8hvzocld")
    assert given.number == NUMBER
    assert codes_match(given.code, CODE)


def test_what_cannot_be_a_number_goes_on_as_an_unknown_one_so_that_it_costs_the_same() -> None:
    assert read_credentials("hello", CODE).number == ""


@pytest.mark.parametrize("code", ["", "7F3K", CODE + "0", "7F3K-9QXD-2M4T-8HVZ-0C1E", "U" * 20])
def test_another_code_does_not_match(code: str) -> None:
    assert not codes_match(read_credentials(NUMBER, code).code, CODE)


def test_a_limit_is_reached_and_refills_with_time() -> None:
    clock = Clock()
    limit = RateLimit(Rate(3, 60), clock)
    for _ in range(3):
        limit.take("a")
    with pytest.raises(TooManyAttempts) as refusal:
        limit.take("a")
    assert refusal.value.parameters["retry_after_s"] == 20
    limit.take("b")
    clock.now += 20
    limit.take("a")


def test_a_limit_remembers_a_bounded_number_of_keys() -> None:
    limit = RateLimit(Rate(1, 60), Clock(), most_keys=2)
    for key in range(10):
        limit.take(key)
    assert len(limit._buckets) == 2


def test_guessing_at_a_number_locks_out_the_guesser_and_not_the_applicant() -> None:
    attempts = Attempts(Clock(), per_number=Rate(2, 60), per_client=Rate(10, 60))
    for _ in range(2):
        attempts.failed(NUMBER, "guesser")
    with pytest.raises(TooManyAttempts):
        attempts.check(NUMBER, "guesser")
    attempts.check(NUMBER, "applicant")


def test_guessing_at_many_numbers_is_limited_too() -> None:
    attempts = Attempts(Clock(), per_number=Rate(2, 60), per_client=Rate(10, 60))
    for place in range(10):
        attempts.failed(f"number {place}", "guesser")
    with pytest.raises(TooManyAttempts):
        attempts.check("another number", "guesser")
