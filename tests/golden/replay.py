"""Playing recorded exchanges against a sandbox, and saying where its answers differ from the recorded ones.

A recording names the hosts, ids, files and tokens of its day. ``Replay`` translates what it sends (hosts, and every
name it has met in an answer so far) and compares what comes back: status, the headers that matter, keys and their
order, types, lengths of lists, and every value that is not a time, a hash, a token or a name. What such values look
like is the ``Dialect`` of the server that was recorded.
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
    from collections.abc import Callable, Iterable, Mapping

    import httpx

CAPTURES = Path(__file__).parent / "captures"
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z")
HTTP_DATE = re.compile(r"[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT")
NUMBER = re.compile(r"\d+")
_ALIAS = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\.[a-z]+")
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """What is another in every run, and how to tell.

    ``names`` are parts of texts: learnt where one is met first, the same from then on; ``known`` are none of them.
    A whole text of one of the ``shapes`` stands for any other; ``learnt`` shapes are learnt as well. Of the ``headers``
    only the shape is compared. ``keys``: how to compare the texts under a key: true if they may stand for each other.
    ``body``: compares a body that is not JSON, and says whether it has. ``free``: keys whose values differ anyway.
    """

    names: re.Pattern[str]
    known: frozenset[str] = frozenset()
    shapes: tuple[re.Pattern[str], ...] = ()
    learnt: tuple[re.Pattern[str], ...] = ()
    headers: Mapping[str, re.Pattern[str]]
    keys: Mapping[str, Callable[[str, str], bool]]
    body: Callable[[Comparison, httpx.Response], bool]
    free: frozenset[str] = frozenset()
    same_header: Callable[[str, str, str], bool] = lambda name, theirs, ours: False


@dataclass(slots=True)
class Replay:
    """One run through recordings. ``texts`` translates recorded hosts into ours, ``names`` what was met on the way."""

    texts: dict[str, str]
    client: httpx.Client
    dialect: Dialect
    names: dict[str, str] = field(default_factory=dict)
    differences: dict[tuple[str, int], list[str]] = field(default_factory=dict)

    def translated(self, value: Any) -> Any:
        """Something recorded, in the names of this run."""
        if isinstance(value, str):
            for theirs, ours in self.texts.items():
                value = value.replace(theirs, ours)
            return self.names.get(value) or self.dialect.names.sub(lambda found: self._name(found[0]), value)
        if isinstance(value, dict):
            return {key: self.translated(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self.translated(item) for item in value]
        return value

    def _name(self, theirs: str) -> str:
        return self.names.get(theirs, theirs)

    def learn(self, theirs: str, ours: str) -> None:
        """From now on our name stands for the recorded one."""
        self.names[theirs] = ours

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
        any_order: Mapping[str, Callable[[Any], str]] | None = None,
    ) -> httpx.Response:
        """Send one exchange and note the differences.

        ``changes`` replaces fields of the JSON body; ``file`` is sent where a file was; ``free`` are places of the
        answer whose value may differ (the key must be there); ``only`` compares nothing but these keys; ``any_order``
        are places of lists whose order means nothing, each with what an item of it is called.
        """
        request = exchange["request"]
        sent: dict[str, Any] = {"headers": headers or {}}
        if "form" in request:
            sent["data"] = self.translated(request["form"]) | (changes or {})
        if "json" in request:
            sent["json"] = self.translated(request["json"]) | (changes or {})
        if "multipart" in request:
            part = request["multipart"]
            content = file if file is not None else b"x"
            kind = part.get("content_type", "text/plain")
            sent["files"] = {part["field"]: (part.get("filename", "file"), content, kind)}
        if "query" in request:
            sent["params"] = self.translated(request["query"])
        answer = self.client.request(request["method"], base + (path or self.translated(request["path"])), **sent)
        found = Comparison(self, exchange["response"], set(free), set(only), any_order or {}).run(answer)
        self.differences[key] = found
        return answer

    def compare(self, theirs: Any, ours: Any, free: Iterable[str] = ()) -> list[str]:
        """The differences between two values that did not come as an answer. Names are learnt on the way."""
        comparison = Comparison(self, {}, set(free), set())
        comparison.value("", theirs, ours)
        return comparison.found


@dataclass(slots=True)
class Comparison:
    """One recorded answer against ours. ``found`` says where they differ."""

    replay: Replay
    recorded: dict[str, Any]
    free: set[str]
    only: set[str]
    any_order: Mapping[str, Callable[[Any], str]] = field(default_factory=dict)
    found: list[str] = field(default_factory=list)

    def run(self, answer: httpx.Response) -> list[str]:
        """Compare everything."""
        if answer.status_code != self.recorded["status"]:
            self.say("status", self.recorded["status"], f"{answer.status_code} {answer.text[:200]}")
            return self.found
        for name, value in self.recorded["headers"].items():
            self._header(name, value, answer.headers.get(name))
        body = self.recorded["body"]
        if self.replay.dialect.body(self, answer):
            return self.found
        if body in {"", None} if not isinstance(body, (dict, list)) else False:
            if answer.content:
                self.say("body", "nothing", answer.text[:80])
        elif answer.headers.get("content-type", "").split(";")[0] in {"application/json", "application/jrd+json"}:
            self.value("", body, answer.json())
        elif body != answer.text:
            self.say("body", body, answer.text[:80])
        return self.found

    def say(self, place: str, theirs: object, ours: object) -> None:
        """Note a difference."""
        self.found.append(f"{place}: recorded {theirs!r}, sandbox {ours!r}")

    def _header(self, name: str, theirs: str, ours: str | None) -> None:
        dialect = self.replay.dialect
        if ours is not None and dialect.same_header(name, theirs, ours):
            return
        shape = dialect.headers.get(name)
        if (
            ours is None
            or (shape.fullmatch(ours) is None if shape else not self._same_text(theirs, ours))
            or (name == "content-length" and (theirs == "0") != (ours == "0"))
        ):
            self.say(f"header {name}", theirs, ours)

    def value(self, place: str, theirs: Any, ours: Any) -> None:
        """Compare two values at the same place."""
        if place in self.free or place.rsplit(".", 1)[-1] in self.replay.dialect.free:
            return
        if type(theirs) is not type(ours):
            self.say(place, theirs, ours)
        elif isinstance(theirs, dict):
            self._dict(place, theirs, ours)
        elif isinstance(theirs, list) and place.endswith("aliases"):
            self._aliases(place, theirs, ours)
        elif isinstance(theirs, list):
            if len(theirs) != len(ours):
                self.say(f"{place} length", len(theirs), len(ours))
            if place in self.any_order:
                ours = self._in_their_order(theirs, ours, self.any_order[place])
            for number, (left, right) in enumerate(zip(theirs, ours, strict=False)):
                self.value(f"{place}[{number}]", left, right)
        elif isinstance(theirs, str):
            self._text(place, theirs, ours)
        elif theirs != ours:
            self.say(place, theirs, ours)

    def _in_their_order(self, theirs: list[Any], ours: list[Any], name: Callable[[Any], str]) -> list[Any]:
        """Our items in the places of the recorded ones of the same name; what has none there goes last."""
        places = {self.replay.translated(name(item)): place for place, item in enumerate(theirs)}
        return sorted(ours, key=lambda item: places.get(name(item), len(places)))

    def _dict(self, place: str, theirs: dict[str, Any], ours: dict[str, Any]) -> None:
        if list(theirs) != list(ours):
            self.say(f"{place} keys", list(theirs), list(ours))
        for key, value in theirs.items():
            if key in ours and (place or not self.only or key in self.only):
                self.value(f"{place}.{key}" if place else key, value, ours[key])

    def _aliases(self, place: str, theirs: list[str], ours: list[str]) -> None:
        """Names in alphabetical order, which for random names is another order in every run."""
        if len(theirs) == len(ours) == 1:
            self._named(place, theirs[0], ours[0])
        elif ours != sorted(self.replay.translated(theirs)):
            self.say(place, self.replay.translated(theirs), ours)

    def _text(self, place: str, theirs: str, ours: str) -> None:
        dialect = self.replay.dialect
        if theirs.startswith("<") and theirs.endswith(">") and "/" not in theirs:
            return  # a token, a key or a password, left out of the recording
        for shape in (*dialect.shapes, *dialect.learnt):
            if shape.fullmatch(theirs):
                if not shape.fullmatch(ours):
                    self.say(place, theirs, ours)
                elif shape is TIME and theirs.count(".") != ours.count("."):
                    self.say(f"{place} fraction", theirs, ours)
                elif shape in dialect.learnt:
                    self.replay.learn(theirs, ours)
                return
        alike = dialect.keys.get(place.rsplit(".", 1)[-1])
        if alike is None:
            self._named(place, theirs, ours)
        elif not alike(theirs, ours):
            self.say(place, theirs, ours)

    def _named(self, place: str, theirs: str, ours: str) -> None:
        """A text that may hold names: new ones are learnt, known ones must be the same."""
        if not self._same_text(theirs, ours):
            self.say(place, self.replay.translated(theirs), ours)

    def _same_text(self, theirs: str, ours: str) -> bool:
        dialect, replay = self.replay.dialect, self.replay
        names, new = dialect.names.findall(theirs), dialect.names.findall(ours)
        if len(names) == len(new):
            for name, other in zip(names, new, strict=True):
                if name not in replay.names and name not in dialect.known:
                    replay.learn(name, other)
        return bool(replay.translated(theirs) == ours)


def _pictrs_body(comparison: Comparison, answer: httpx.Response) -> bool:
    """A file: its first bytes, its length where a part of it was asked for, and its digest where the tag has it."""
    theirs = comparison.recorded["body"]
    if not (isinstance(theirs, dict) and set(theirs) == {"bytes", "sha256", "magic"}):
        return False
    if not answer.content.hex().startswith(theirs["magic"][:8]):
        comparison.say("magic", theirs["magic"], answer.content[:12].hex())
    if answer.status_code == 206 and len(answer.content) != theirs["bytes"]:
        comparison.say("bytes", theirs["bytes"], len(answer.content))
    if _digest(comparison.recorded["headers"]["etag"]) == theirs["sha256"]:  # an original: its tag is its own digest
        ours = hashlib.sha256(answer.content).hexdigest()
        if _digest(answer.headers["etag"]) != ours:
            comparison.say("etag", "the digest of the body", answer.headers["etag"])
    return True


def _digest(etag: str) -> str:
    """The SHA-256 in an ETag of pict-rs."""
    return base64.b64decode(etag.strip('"'))[:32].hex()


def _uuids(theirs: str, ours: str) -> bool:
    return _UUID.fullmatch(ours) is not None


def same_length(theirs: str, ours: str) -> bool:
    """For what is computed from a picture."""
    return len(theirs) == len(ours)


_LIMIT_HEADERS = {"x-ratelimit-remaining": NUMBER, "x-ratelimit-reset": NUMBER}  # 1.0 only
LEMMY = Dialect(
    names=_ALIAS,
    known=frozenset({_NEVER_UPLOADED}),
    shapes=(TIME, _IDENTIFIER),
    learnt=(_SLUG, _HEX_HASH),
    headers={"etag": _ETAG, "last-modified": HTTP_DATE, "content-length": NUMBER} | _LIMIT_HEADERS,
    keys={"delete_token": _uuids, "pictrs_delete_token": _uuids, "blurhash": same_length},
    body=_pictrs_body,
)
