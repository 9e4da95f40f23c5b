"""Why a case cannot be claimed, released or handed on."""

from contracts.facts import Labels
from services.processing.refusals import Invalid, Refusal


class ClaimedByAnother(Refusal):
    slug = "claimed-by-another"
    words = Labels(
        id="Petugas lain memegang kasus ini. Ambil kasus lain, atau minta penyelia mengalihkannya.",
        en="Another officer has this case. Take another one, or ask a supervisor to reassign it.",
    )


class HoldsEnough(Refusal):
    slug = "holds-enough"
    words = Labels(
        id="Anda sudah memegang cukup banyak kasus yang menunggu kantor. Selesaikan atau lepaskan salah satu dahulu.",
        en="You hold enough cases that wait for the office. Finish or release one of them first.",
    )


class NothingToTake(Refusal):
    slug = "nothing-to-take"
    status = 404
    words = Labels(
        id="Tidak ada kasus yang menunggu petugas. Muat ulang nanti.",
        en="No case waits for an officer. Look again later.",
    )


class OneReceiver(Invalid):
    slug = "one-receiver"
    words = Labels(
        id="Sebutkan satu petugas atau satu loket yang menerima kasus ini.",
        en="Name one officer or one desk that is to have this case.",
    )
