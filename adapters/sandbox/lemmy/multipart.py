"""Files out of a multipart body."""

from __future__ import annotations

import re

from adapters.sandbox.pictrs.api import PictrsError

_FIELD = "images[]"


def uploaded_files(content_type: str, body: bytes) -> list[bytes]:
    """The files of the field ``images[]``; anything else in the body is refused, as pict-rs does."""
    refused = PictrsError(400, "file-upload-error", "Found field with unexpected name or type")
    boundary = re.search(r'boundary="?([^";]+)"?', content_type)
    if not content_type.lower().startswith("multipart/form-data") or boundary is None:
        raise refused
    files = []
    for part in (b"\r\n" + body).split(b"\r\n--" + boundary[1].encode("latin-1"))[1:]:
        if part.startswith(b"--"):
            break
        head, _, content = part.partition(b"\r\n\r\n")
        said = head.decode("utf-8", "replace")
        if f'name="{_FIELD}"' not in said or "filename=" not in said:
            raise refused
        files.append(content)
    if not files:
        raise refused
    return files
