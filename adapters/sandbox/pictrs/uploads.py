"""How pict-rs says that it does not take an upload."""

from __future__ import annotations

UNEXPECTED_FIELD = "Found field with unexpected name or type"
INCOMPLETE = "Multipart stream is incomplete"
TOO_MANY_FILES = "Too many files in request"
NO_FILE_NAME = "Filename is missing"
NO_FILES = "No files present in upload"


def header_fault(content_type: str | None) -> str | None:
    """What is wrong with the content type of an upload, before its body is looked at."""
    if not content_type:
        return "No Content-Type `form-data` header"
    if not content_type.lower().startswith("multipart/"):
        return "Parsed Content-Type did not have 'multipart' top-level media type"
    return None if "boundary=" in content_type.lower() else "Multipart boundary is missing"
