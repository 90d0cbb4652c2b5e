"""The stored files, each with the mode that the server gives it."""

from __future__ import annotations

import secrets
import threading
from dataclasses import dataclass, field

from adapters.sandbox.clock import now_ns


@dataclass(slots=True, kw_only=True)
class StoredFile:
    """Bytes at a path. ``public`` is mode 0644, otherwise 0600."""

    data: bytes
    content_type: str
    modified_ns: int
    public: bool = True


@dataclass(slots=True)
class Files:
    """What lies below ``/system``.

    ``separate_server``: files are handed out by a web server that runs as another user and cannot read what is not
    public; otherwise by Mastodon itself, which can.
    """

    separate_server: bool = False
    _files: dict[str, StoredFile] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def put(self, path: str, data: bytes, content_type: str) -> None:
        """Store a file, for everybody to read."""
        with self._lock:
            self._files[path] = StoredFile(data=data, content_type=content_type, modified_ns=now_ns())

    def get(self, path: str) -> StoredFile | None:
        """A file by its path below the server's address, whatever its mode."""
        with self._lock:
            return self._files.get(path)

    def served(self, path: str) -> StoredFile | None:
        """A file as the public gets it."""
        found = self.get(path)
        return None if found is None or (self.separate_server and not found.public) else found

    def set_public(self, path: str | None, *, public: bool) -> None:
        """Change the mode of a file, if there is one."""
        with self._lock:
            if path is not None and path in self._files:
                self._files[path].public = public

    def delete(self, path: str | None) -> None:
        """Delete a file, if there is one."""
        with self._lock:
            if path is not None:
                self._files.pop(path, None)


def stored_path(kind: str, number: int, style: str, extension: str, *, name: str | None = None) -> str:
    """Where a file of a row is kept; ``kind`` is like ``media_attachments/files``."""
    digits = f"{number:018d}"
    parts = "/".join(digits[at : at + 3] for at in range(0, len(digits), 3))
    return f"/system/{kind}/{parts}/{style}/{name or secrets.token_hex(8)}.{extension}"
