"""Playing recorded exchanges against a sandbox, and saying where its answers differ from the recorded ones.

A recording names the hosts, files and tokens of its day. ``Replay`` translates what it sends (hosts, and every file
name it has met in an answer so far) and compares what comes back: status, the headers that matter, keys and their
order, types, lengths of lists, and every value that is not a time, a hash, a token or a file name.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    import httpx

CAPTURES = Path(__file__).parent / "captures"
_ALIAS = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\.[a-z]+")
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z")
_HTTP_DATE = re.compile(r"[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT")
_SLUG = re.compile(r"[A-Za-z0-9_-]{52}")
_HEX_HASH = re.compile(r"[0-9a-f]{78}")
_IDENTIFIER = re.compile(r"([0-9a-f]{2}/){10}[0-9a-f]{12}\.[a-z]+")
_ETAG = re.compile(r'"[A-Za-z0-9+/]{52}"')
_NEVER_UPLOADED = "00000000-0000-4000-8000-00000000dead.png"

Exchange = dict[str, Any]


def load(folder: str, name: str) -> list[Exchange]:
    """The exchanges of one recording, in order."""
    recorded: list[Exchange] = json.loads((CAPTURES / folder / f"{name}.json").read_text(encoding="utf-8"))
    return recorded


def _digest(etag: str) -> str:
    """The SHA-256 in an ETag of pict-rs."""
    return base64.b64decode(etag.strip('"'))[:32].hex()


@dataclass(slots=True)
class Replay:
    """One run through recordings. ``texts`` translates recorded names into ours."""

    texts: dict[str, str]
    client: httpx.Client
    differences: dict[tuple[str, int], list[str]] = field(default_factory=dict)

    def translated(self, value: Any) -> Any:
        """Something recorded, in the names of this run."""
        if isinstance(value, str):
            for theirs, ours in self.texts.items():
                value = value.replace(theirs, ours)
            return value
        if isinstance(value, dict):
            return {key: self.translated(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self.translated(item) for item in value]
        return value

    def learn(self, theirs: str, ours: str) -> None:
        """From now on our name stands for the recorded one."""
        self.texts[theirs] = ours

    def play(
        self,
        key: tuple[str, int],
        exchange: Exchange,
        base: str,
        *,
        headers: dict[str, str] | None = None,
        changes: dict[str, Any] | None = None,
        file: bytes | None = None,
        free: Iterable[str] = (),
        only: Iterable[str] = (),
        path: str | None = None,
    ) -> httpx.Response:
        """Send one exchange and note the differences.

        ``changes`` replaces fields of the JSON body; ``file`` is sent where a file was; ``free`` are places of the
        answer whose value may differ (the key must be there); ``only`` compares nothing but these keys.
        """
        request = exchange["request"]
        sent: dict[str, Any] = {"headers": headers or {}}
        if "json" in request:
            sent["json"] = self.translated(request["json"]) | (changes or {})
        if "multipart" in request:
            part = request["multipart"]
            content = file if file is not None else b"x"
            kind = part.get("content_type", "text/plain")
            sent["files"] = {part["field"]: (part.get("filename"), content, kind)}
        if "query" in request:
            sent["params"] = self.translated(request["query"])
        answer = self.client.request(request["method"], base + (path or self.translated(request["path"])), **sent)
        found = _Comparison(self, exchange["response"], set(free), set(only)).run(answer)
        self.differences[key] = found
        return answer


@dataclass(slots=True)
class _Comparison:
    replay: Replay
    recorded: dict[str, Any]
    free: set[str]
    only: set[str]
    found: list[str] = field(default_factory=list)

    def run(self, answer: httpx.Response) -> list[str]:
        if answer.status_code != self.recorded["status"]:
            self._say("status", self.recorded["status"], f"{answer.status_code} {answer.text[:200]}")
            return self.found
        for name, value in self.recorded["headers"].items():
            self._header(name, value, answer.headers.get(name))
        body = self.recorded["body"]
        if isinstance(body, dict) and set(body) == {"bytes", "sha256", "magic"}:
            self._file(body, answer)
        elif body in {"", None} if not isinstance(body, (dict, list)) else False:
            if answer.content:
                self._say("body", "nothing", answer.text[:80])
        elif answer.headers.get("content-type") == "application/json":
            self._value("", body, answer.json())
        else:
            self._say("body", body, answer.text[:80])
        return self.found

    def _say(self, place: str, theirs: object, ours: object) -> None:
        self.found.append(f"{place}: recorded {theirs!r}, sandbox {ours!r}")

    def _header(self, name: str, theirs: str, ours: str | None) -> None:
        shape = {"etag": _ETAG, "last-modified": _HTTP_DATE, "content-length": re.compile(r"\d+")}.get(name)
        if (
            ours is None
            or (shape.fullmatch(ours) is None if shape else ours != theirs)
            or (name == "content-length" and (theirs == "0") != (ours == "0"))
        ):
            self._say(f"header {name}", theirs, ours)

    def _file(self, theirs: dict[str, Any], answer: httpx.Response) -> None:
        if not answer.content.hex().startswith(theirs["magic"][:8]):
            self._say("magic", theirs["magic"], answer.content[:12].hex())
        if answer.status_code == 206 and len(answer.content) != theirs["bytes"]:
            self._say("bytes", theirs["bytes"], len(answer.content))
        if _digest(self.recorded["headers"]["etag"]) == theirs["sha256"]:  # an original: its tag is its own digest
            ours = hashlib.sha256(answer.content).hexdigest()
            if _digest(answer.headers["etag"]) != ours:
                self._say("etag", "the digest of the body", answer.headers["etag"])

    def _value(self, place: str, theirs: Any, ours: Any) -> None:
        if place in self.free:
            return
        if type(theirs) is not type(ours):
            self._say(place, theirs, ours)
        elif isinstance(theirs, dict):
            self._dict(place, theirs, ours)
        elif isinstance(theirs, list) and place.endswith("aliases"):
            self._aliases(place, theirs, ours)
        elif isinstance(theirs, list):
            if len(theirs) != len(ours):
                self._say(f"{place} length", len(theirs), len(ours))
            for number, (left, right) in enumerate(zip(theirs, ours, strict=False)):
                self._value(f"{place}[{number}]", left, right)
        elif isinstance(theirs, str):
            self._text(place, theirs, ours)
        elif theirs != ours:
            self._say(place, theirs, ours)

    def _dict(self, place: str, theirs: dict[str, Any], ours: dict[str, Any]) -> None:
        if list(theirs) != list(ours):
            self._say(f"{place} keys", list(theirs), list(ours))
        for key, value in theirs.items():
            if key in ours and (place or not self.only or key in self.only):
                self._value(f"{place}.{key}" if place else key, value, ours[key])

    def _aliases(self, place: str, theirs: list[str], ours: list[str]) -> None:
        """Names in alphabetical order, which for random names is another order in every run."""
        if len(theirs) == len(ours) == 1:
            self._named(place, theirs[0], ours[0])
        elif ours != sorted(self.replay.translated(theirs)):
            self._say(place, self.replay.translated(theirs), ours)

    def _text(self, place: str, theirs: str, ours: str) -> None:
        last = place.rsplit(".", 1)[-1]
        if theirs.startswith("<") and theirs.endswith(">"):
            return  # a token, a key or a password, left out of the recording
        for shape in (_TIME, _SLUG, _HEX_HASH, _IDENTIFIER):
            if shape.fullmatch(theirs):
                if not shape.fullmatch(ours):
                    self._say(place, theirs, ours)
                elif shape is _TIME and theirs.count(".") != ours.count("."):
                    self._say(f"{place} fraction", theirs, ours)
                elif shape in {_SLUG, _HEX_HASH}:
                    self.replay.learn(theirs, ours)
                return
        if last in {"delete_token", "pictrs_delete_token"}:
            if not _UUID.fullmatch(ours):
                self._say(place, theirs, ours)
            return
        if last == "blurhash":
            if len(ours) != len(theirs):
                self._say(place, theirs, ours)
            return
        self._named(place, theirs, ours)

    def _named(self, place: str, theirs: str, ours: str) -> None:
        """A text that may hold names of files: new ones are learnt, known ones must be the same."""
        names, new = _ALIAS.findall(theirs), _ALIAS.findall(ours)
        if len(names) == len(new):
            for name, other in zip(names, new, strict=True):
                if name not in self.replay.texts and name != _NEVER_UPLOADED:
                    self.replay.learn(name, other)
        if self.replay.translated(theirs) != ours:
            self._say(place, self.replay.translated(theirs), ours)
