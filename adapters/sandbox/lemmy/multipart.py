"""The file in a multipart body."""

from __future__ import annotations

import re

from adapters.sandbox.pictrs.errors import PictrsError
from adapters.sandbox.pictrs.uploads import (
    INCOMPLETE,
    NO_FILE_NAME,
    NO_FILES,
    TOO_MANY_FILES,
    UNEXPECTED_FIELD,
    header_fault,
)

_FIELD = "images[]"


def _refused(msg: str) -> PictrsError:
    return PictrsError(400, "file-upload-error", msg)


def uploaded_file(content_type: str | None, body: bytes) -> bytes:
    """The one file of the field ``images[]``; anything else in the body is refused, as pict-rs does."""
    fault = header_fault(content_type)
    boundary = re.search(r'boundary="?([^";]+)"?', content_type or "", re.IGNORECASE)
    if fault is not None or boundary is None:
        raise _refused(fault or INCOMPLETE)
    parts = (b"\r\n" + body).split(b"\r\n--" + boundary[1].encode("latin-1"))[1:]
    if not any(part.startswith(b"--") for part in parts):
        raise _refused(INCOMPLETE)
    files: list[bytes] = []
    for part in parts:
        if part.startswith(b"--"):
            break
        content = _content(part)
        if files:
            raise _refused(TOO_MANY_FILES)
        files.append(content)
    if not files:
        raise PictrsError(400, "validate-no-files", NO_FILES)
    return files[0]


def _content(part: bytes) -> bytes:
    head, _, content = part.partition(b"\r\n\r\n")
    said = head.decode("utf-8", "replace")
    if f'name="{_FIELD}"' not in said:
        raise _refused(UNEXPECTED_FIELD)
    if "filename=" not in said:
        raise _refused(NO_FILE_NAME)
    return content
