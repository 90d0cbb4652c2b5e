"""The files of pict-rs: bytes by hash, aliases of a hash, proxied URLs, and jobs that are done a moment later."""

from __future__ import annotations

import base64
import hashlib
import threading
import time
import uuid
from bisect import bisect_left
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from adapters.sandbox.clock import now_ns
from adapters.sandbox.pictrs.formats import Format, Probed, probe, smaller, without_metadata

if TYPE_CHECKING:
    from collections.abc import Callable

    from adapters.sandbox.pictrs.validation import Validator


class AliasNotFoundError(Exception):
    """404 alias-not-found."""


class ProxyNotFoundError(Exception):
    """404 proxy-not-found."""


@dataclass(frozen=True, slots=True)
class StoredFile:
    """One content. ``hash`` is its SHA-256, its size in six bytes and one byte for its format."""

    hash: bytes
    data: bytes
    found: Probed
    created_ns: int
    identifier: str

    @property
    def etag(self) -> str:
        """The ETag of the file and of everything derived from it."""
        return f'"{base64.b64encode(self.hash).decode()}"'

    @property
    def slug(self) -> str:
        """Its place in the listing."""
        return base64.urlsafe_b64encode(self.hash).decode()


@dataclass(frozen=True, slots=True)
class Alias:
    """One name of a file, with the token that deletes it."""

    name: str
    token: str


@dataclass(frozen=True, slots=True)
class Page:
    """One page of the listing, newest content first."""

    files: list[StoredFile]
    current: str | None
    next: str | None
    prev: str | None


@dataclass(slots=True)
class FileStore:
    """All state of one pict-rs. Every public method may be called from any thread.

    ``purge_delay`` and ``delete_delay`` are the seconds between the answer and the end of the file.
    """

    purge_delay: float = 0.4
    delete_delay: float = 0.05
    validator: Validator | None = None
    available: bool = True
    lock: threading.RLock = field(default_factory=threading.RLock)
    _files: dict[bytes, StoredFile] = field(default_factory=dict)
    _order: list[tuple[int, bytes]] = field(default_factory=list)  # oldest first
    _aliases: dict[str, tuple[bytes, str]] = field(default_factory=dict)
    _names: dict[bytes, set[str]] = field(default_factory=dict)
    _proxies: dict[str, str] = field(default_factory=dict)
    _variants: dict[tuple[bytes, str, int], tuple[bytes, int]] = field(default_factory=dict)
    _jobs: list[tuple[float, Callable[[], object]]] = field(default_factory=list)

    def ingest(self, data: bytes, *, resize: int | None = None) -> tuple[Alias, StoredFile]:
        """Store bytes under a new alias, shrunk to ``resize`` pixels if asked; known bytes share their file.

        Raises ``InvalidMediaError``, ``BrokenMediaError``, ``RefusedError`` or ``ValidatorUnreachableError``.
        """
        found = probe(data)
        if resize is None:
            stored = without_metadata(data, found.format)
        else:
            stored = smaller(data, resize)
            found = probe(stored)
        if self.validator is not None:
            self.validator.check(stored, found.format.content_type)
        digest = hashlib.sha256(stored).digest() + len(stored).to_bytes(6, "big") + found.format.code.to_bytes(1, "big")
        with self.lock:
            self.settle()
            file = self._files.get(digest)
            if file is None:
                created = now_ns()
                file = StoredFile(digest, stored, found, created, _identifier(created, found.format))
                self._files[digest] = file
                self._order.append((created, digest))
                self._names[digest] = set()
            alias = Alias(f"{uuid.uuid4()}.{found.format.extension}", str(uuid.uuid4()))
            self._aliases[alias.name] = (digest, alias.token)
            self._names[digest].add(alias.name)
            return alias, file

    def ingest_proxied(self, url: str, data: bytes) -> StoredFile:
        """Store what was fetched from ``url`` under an alias that only the URL leads to."""
        alias, file = self.ingest(data)
        with self.lock:
            self._proxies[url] = alias.name
        return file

    def proxied(self, url: str) -> str | None:
        """The alias of a proxied URL."""
        with self.lock:
            self.settle()
            return self._proxies.get(url)

    def resolve(self, alias: str | None, proxy: str | None) -> str:
        """The alias that a query means; raises ``ProxyNotFoundError`` for a URL that was never fetched."""
        if alias is not None:
            return alias
        known = self.proxied(proxy or "")
        if known is None:
            raise ProxyNotFoundError
        return known

    def file(self, alias: str) -> StoredFile:
        """The file of an alias; raises ``AliasNotFoundError``."""
        with self.lock:
            self.settle()
            entry = self._aliases.get(alias)
            if entry is None:
                raise AliasNotFoundError
            return self._files[entry[0]]

    def aliases(self, alias: str) -> list[str]:
        """All names of the same file, in the order of pict-rs; raises ``AliasNotFoundError``."""
        with self.lock:
            return self.aliases_of(self.file(alias))

    def aliases_of(self, file: StoredFile) -> list[str]:
        """All names of a file."""
        with self.lock:
            return sorted(self._names.get(file.hash, ()))

    def variant(self, alias: str, target: Format, size: int) -> tuple[StoredFile, bytes, int]:
        """The original of an alias, a copy of it no larger than ``size`` pixels, and when that was made."""
        file = self.file(alias)
        key = (file.hash, target.content_type, size)
        known = self._variants.get(key)
        if known is None:
            made = smaller(file.data, size, target), now_ns()
            with self.lock:
                known = self._variants.setdefault(key, made)
        return file, known[0], known[1]

    def has_variant(self, alias: str, target: Format, size: int) -> bool:
        """Whether such a copy was made already; raises ``AliasNotFoundError``."""
        return (self.file(alias).hash, target.content_type, size) in self._variants

    def drop_variants(self) -> None:
        """Forget every copy; they are made again when asked for."""
        with self.lock:
            self._variants.clear()

    def purge(self, alias: str) -> list[str]:
        """Remove the file and all its names, a moment later; returns the names. Raises ``AliasNotFoundError``.

        Names that the file gets until then go with the others.
        """
        with self.lock:
            file = self.file(alias)
            self._later(self.purge_delay, lambda: self._forget(*self._names.get(file.hash, set()).copy()))
            return self.aliases_of(file)

    def delete(self, alias: str) -> None:
        """Remove one name, a moment later, and the file with its last name. Raises ``AliasNotFoundError``."""
        with self.lock:
            self.file(alias)
            self._later(self.delete_delay, lambda: self._forget(alias))

    def delete_by_token(self, alias: str, token: str) -> bool:
        """Remove one name at once; false if the token is another. Raises ``AliasNotFoundError``."""
        with self.lock:
            self.file(alias)
            if self._aliases[alias][1] != token:
                return False
            self._forget(alias)
            return True

    def page(self, limit: int, *, slug: str | None = None, before_ns: int | None = None) -> Page:
        """The listing from ``slug`` on, or of what is older than ``before_ns``; an unknown slug means page one."""
        with self.lock:
            self.settle()
            bound = self._bound(slug, before_ns)
            if bound is None:
                older, newer = self._order, []
            else:
                at = bisect_left(self._order, bound)
                here = 1 if at < len(self._order) and self._order[at] == bound else 0
                older, newer = self._order[: at + here], self._order[at : at + limit + 1]
            chosen = older[::-1][: limit + 1]
            files = [self._files[digest] for _, digest in chosen[:limit]]
            following = self._files[chosen[limit][1]].slug if len(chosen) > limit else None
            prev = self._files[newer[-1][1]].slug if newer and newer[-1] != bound else None
            return Page(files, files[0].slug if files else None, following, prev)

    def _bound(self, slug: str | None, before_ns: int | None) -> tuple[int, bytes] | None:
        if before_ns is not None:
            return before_ns, b""
        if slug is None:
            return None
        try:
            digest = base64.urlsafe_b64decode(slug + "=" * (-len(slug) % 4))
        except ValueError:
            return None
        file = self._files.get(digest)
        return None if file is None else (file.created_ns, file.hash)

    def __len__(self) -> int:
        with self.lock:
            self.settle()
            return len(self._files)

    def settle(self) -> None:
        """Do the jobs that are due."""
        with self.lock:
            if not self._jobs:
                return
            moment = time.monotonic()
            due = [job for at, job in self._jobs if at <= moment]
            self._jobs = [(at, job) for at, job in self._jobs if at > moment]
            for job in due:
                job()

    def _later(self, seconds: float, job: Callable[[], object]) -> None:
        self._jobs.append((time.monotonic() + seconds, job))

    def _forget(self, *aliases: str) -> None:
        for alias in aliases:
            self._forget_one(alias)

    def _forget_one(self, alias: str) -> None:
        entry = self._aliases.pop(alias, None)
        if entry is None:
            return
        digest = entry[0]
        self._names[digest].discard(alias)
        self._proxies = {url: name for url, name in self._proxies.items() if name != alias}
        if not self._names[digest]:
            file = self._files.pop(digest)
            del self._names[digest]
            self._order.remove((file.created_ns, digest))
            self._variants = {key: made for key, made in self._variants.items() if key[0] != digest}


def _identifier(created_ns: int, found: Format) -> str:
    """A path made of a version 7 UUID: the first twelve hex digits are the time in milliseconds."""
    milliseconds = created_ns // 1_000_000
    digits = f"{milliseconds:012x}7{uuid.uuid4().hex[13:]}"
    return "/".join([*(digits[i : i + 2] for i in range(0, 20, 2)), f"{digits[20:]}.{found.extension}"])
