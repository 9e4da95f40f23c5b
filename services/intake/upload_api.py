"""Uploads that can be resumed: tus 1.0.0 (https://tus.io/protocols/resumable-upload), core with creation, expiration
and termination.

    POST  /applications/{number}/uploads            Upload-Length, Upload-Metadata: requirement, filetype → Location
    HEAD  /applications/{number}/uploads/{upload}   → Upload-Offset: where to go on
    PATCH /applications/{number}/uploads/{upload}   Upload-Offset, application/offset+octet-stream → the new Upload-Offset

With the last byte the file becomes the draft's document for that requirement, or the one that the office asked for; the
answer to that PATCH may therefore be any refusal of a document. A file's name is not asked for, and ignored.
"""

import base64
import binascii
import re
from email.utils import format_datetime
from typing import Final

from litestar import Response, Router, delete, get, patch, post
from litestar.params import FromPath

from contracts.facts import Code
from runtime.openapi import APPLICANT
from services.intake.desk import Asked, Desk
from services.intake.refusals import Refused
from services.intake.uploads import Arriving, Uploads

VERSION: Final = "1.0.0"
OFFSET_STREAM: Final = "application/offset+octet-stream"
BASIC: Final = [{APPLICANT: list[str]()}]
_HEADERS: Final = {"Tus-Resumable": VERSION, "Cache-Control": "no-store"}
_number: Final = re.compile(r"[0-9]{1,15}")
_code: Final = re.compile(r"[a-z][a-z0-9_.-]{0,63}")


class UploadUnreadable(Refused):
    """A header is missing or cannot be read. Parameters: header."""

    slug = "upload-header-unreadable"


class OtherTusVersion(Refused):
    """Tus-Resumable is missing or another version's."""

    slug = "unsupported-tus-version"


@post("/applications/{number:str}/uploads", security=BASIC)
async def begin_upload(request: Asked, number: FromPath[str], uploads: Uploads, desk: Desk) -> Response[None]:
    """Announce a file (tus creation): 201 with its Location. It takes the place of an earlier one for the requirement."""
    _check_version(request)
    entry = await desk.enter_to_change(request, number)
    size_bytes = _header_number(request, "Upload-Length")
    metadata = _metadata(request.headers.get("Upload-Metadata", ""))
    requirement: Code = metadata.get("requirement", "")
    if not _code.fullmatch(requirement):
        raise UploadUnreadable(header="Upload-Metadata (requirement)")

    async def execute() -> Response[None]:
        arriving = await uploads.begin(entry, requirement, metadata.get("filetype", ""), size_bytes)
        address = f"/applications/{entry.number}/uploads/{arriving.upload}"
        return Response(None, status_code=201, headers=_state(arriving) | {"Location": address})

    fingerprint = f"{entry.number}/{requirement}/{size_bytes}".encode()
    return await desk.once(request, execute, caller=entry.number, fingerprint=fingerprint)


@get("/applications/{number:str}/uploads/{upload:str}", status_code=204, security=BASIC)
async def show_upload(
    request: Asked, number: FromPath[str], upload: FromPath[str], uploads: Uploads, desk: Desk
) -> Response[None]:
    """How far an upload is, in its headers; asked by HEAD."""
    _check_version(request)
    entry = await desk.enter(request, number)
    return Response(None, status_code=204, headers=_state(await uploads.find(entry, upload)))


@patch("/applications/{number:str}/uploads/{upload:str}", status_code=204, request_max_body_size=None, security=BASIC)
async def continue_upload(
    request: Asked, number: FromPath[str], upload: FromPath[str], uploads: Uploads, desk: Desk
) -> Response[None]:
    """Go on with an upload where it stands. What arrives before the connection breaks is kept."""
    _check_version(request)
    entry = await desk.enter(request, number)
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != OFFSET_STREAM:
        raise UploadUnreadable(header=f"Content-Type ({OFFSET_STREAM})")
    offset = _header_number(request, "Upload-Offset")
    return Response(
        None, status_code=204, headers=_state(await uploads.receive(entry, upload, offset, desk.upload(request)))
    )


@delete("/applications/{number:str}/uploads/{upload:str}", status_code=204, security=BASIC)
async def give_up_upload(
    request: Asked, number: FromPath[str], upload: FromPath[str], uploads: Uploads, desk: Desk
) -> Response[None]:
    """Give an upload up (tus termination)."""
    _check_version(request)
    entry = await desk.enter(request, number)
    await uploads.give_up(entry, upload)
    return Response(None, status_code=204, headers=_HEADERS)


def _state(arriving: Arriving) -> dict[str, str]:
    return _HEADERS | {
        "Upload-Offset": str(arriving.arrived_bytes),
        "Upload-Length": str(arriving.size_bytes),
        "Upload-Expires": format_datetime(arriving.expires_at, usegmt=True),
    }


def _check_version(request: Asked) -> None:
    if request.headers.get("Tus-Resumable") != VERSION:
        raise OtherTusVersion()


def _header_number(request: Asked, name: str) -> int:
    text = request.headers.get(name, "")
    if not _number.fullmatch(text):
        raise UploadUnreadable(header=name)
    return int(text)


def _metadata(header: str) -> dict[str, str]:
    """`key base64, key base64`. Raises `UploadUnreadable`."""
    found = {}
    for part in header[:2000].split(","):
        key, _, value = part.strip().partition(" ")
        try:
            found[key] = base64.b64decode(value.strip(), validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            raise UploadUnreadable(header="Upload-Metadata") from None
    return found


UPLOAD_ROUTES: Final = Router(
    "/", route_handlers=[begin_upload, show_upload, continue_upload, give_up_upload], tags=["uploads"]
)
