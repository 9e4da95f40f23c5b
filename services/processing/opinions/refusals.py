"""Why an opinion cannot be asked for, or not be given."""

from contracts.facts import Labels
from services.processing.refusals import Invalid, Refusal


class UnknownBody(Invalid):
    slug = "unknown-body"
    words = Labels(id="Instansi itu tidak ada di katalog.", en="The catalogue has no such body.")


class OpinionAlreadyAsked(Refusal):
    slug = "opinion-already-asked"
    words = Labels(
        id="Instansi ini sudah ditanya tentang hal itu dan belum menjawab: terbitkan tautan baru bila tautannya hilang.",
        en="This body was asked that already and has not answered yet: issue a new link if the first is lost.",
    )


class UnknownOpinion(Invalid):
    slug = "unknown-opinion"
    words = Labels(
        id="Tidak ada pendapat itu yang masih ditunggu. Muat ulang kasus ini.",
        en="No such opinion is awaited any more. Load the case again.",
    )


class NoOpinionAwaited(Refusal):
    slug = "no-opinion-awaited"
    words = Labels(id="Tidak ada pendapat yang sedang ditunggu.", en="No opinion is awaited.")


class LinkTaken(Invalid):
    slug = "opinion-link-taken"
    words = Labels(
        id="Tautan itu sudah pernah dipakai. Buat tautan baru.", en="That link was used before. Make a new one."
    )


class NoSuchOpinion(Refusal):
    slug = "no-such-opinion"
    status = 404
    words = Labels(
        id="Tautan ini tidak dikenal. Periksa apakah tautannya lengkap, atau minta tautan baru dari kantor yang bertanya.",
        en="We do not know this link. Check that it is complete, or ask the office that sent it for a new one.",
    )


class LinkEnded(Refusal):
    """The link was good once."""

    status = 410


class LinkReplaced(LinkEnded):
    slug = "opinion-link-replaced"
    words = Labels(
        id="Tautan ini sudah diganti dengan yang baru. Gunakan tautan terakhir yang Anda terima.",
        en="This link was replaced by a newer one. Use the last one that you received.",
    )


class OpinionIsWithdrawn(LinkEnded):
    slug = "opinion-withdrawn"
    words = Labels(
        id="Kantor tidak lagi meminta pendapat ini. Anda tidak perlu melakukan apa pun.",
        en="The office no longer asks for this opinion. There is nothing you need to do.",
    )


class LinkExpired(LinkEnded):
    slug = "opinion-link-expired"
    words = Labels(
        id="Masa berlaku tautan ini sudah lewat. Minta tautan baru dari kantor yang bertanya.",
        en="This link has expired. Ask the office that sent it for a new one.",
    )


class OpinionNotNeeded(LinkEnded):
    slug = "opinion-not-needed"
    words = Labels(
        id="Permohonan ini sudah diputuskan atau berakhir. Pendapat Anda tidak diperlukan lagi; terima kasih.",
        en="This application was decided or has ended. Your opinion is no longer needed; thank you.",
    )


class OpinionAlreadyGiven(Refusal):
    slug = "opinion-already-given"
    words = Labels(
        id="Pendapat ini sudah diberikan dan tidak dapat diubah lewat tautan ini. Hubungi kantor yang bertanya.",
        en="This opinion was given already and cannot be changed by this link. Contact the office that asked.",
    )
