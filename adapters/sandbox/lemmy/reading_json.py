"""Reading JSON byte by byte as serde_json does: what it refuses, in its words, and at the place that it tells."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

from adapters.sandbox.lemmy.errors import MalformedRequestError

if TYPE_CHECKING:
    from collections.abc import Iterator

Value = None | bool | int | float | str
_SPACE = re.compile(rb"[ \t\r\n]*")
_PLAIN = re.compile(rb'[^"\\\x00-\x1f]*')
_NUMBER = re.compile(rb"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_LITERALS: dict[int, tuple[bytes, Value]] = {
    ord("t"): (b"true", True),
    ord("f"): (b"false", False),
    ord("n"): (b"null", None),
}
_SHORT = dict(zip(b'"\\/bfnrt', b'"\\/\b\f\n\r\t', strict=True))
_NUMBER_STARTS = frozenset(b"-0123456789")
_MOST = 2**64
_HIGH, _LOW, _BEYOND = 0xD800, 0xDC00, 0xE000


class JsonReader:
    """One body; ``at`` is the index of the next byte. Everything raises ``MalformedRequestError``."""

    def __init__(self, raw: bytes) -> None:
        self._raw = raw
        self.at = 0

    def failure(self, message: str, at: int | None = None) -> MalformedRequestError:
        """An error at a place, the present one if none is given."""
        before = self._raw[: self.at if at is None else at]
        line, column = before.count(b"\n") + 1, len(before) - before.rfind(b"\n") - 1
        return MalformedRequestError(f"Json deserialize error: {message} at line {line} column {column}")

    def peek(self) -> int | None:
        """The next byte that is no space."""
        self._take(_SPACE)
        return self._raw[self.at] if self.at < len(self._raw) else None

    def _take(self, pattern: re.Pattern[bytes]) -> bytes:
        match = pattern.match(self._raw, self.at)
        taken = b"" if match is None else match[0]
        self.at += len(taken)
        return taken

    def members(self) -> Iterator[str]:
        """The keys of an object, each before its colon; whoever asks for the next one has read the value."""
        self.at += 1
        found = self.peek()
        while found != ord("}"):
            if found is None:
                raise self.failure("EOF while parsing an object")
            if found != ord('"'):
                raise self.failure("key must be a string", self.at + 1)
            yield self._text()
            found = self._after_a_value("}")
        self.at += 1

    def colon(self) -> None:
        """What stands between a key and its value."""
        found = self.peek()
        if found is None:
            raise self.failure("EOF while parsing an object")
        if found != ord(":"):
            raise self.failure("expected `:`", self.at + 1)
        self.at += 1

    def elements(self) -> Iterator[None]:
        """Once for each element of a list, which is still to be read then."""
        self.at += 1
        found = self.peek()
        while found != ord("]"):
            if found is None:
                raise self.failure("EOF while parsing a list")
            yield
            found = self._after_a_value("]")
        self.at += 1

    def _after_a_value(self, end: str) -> int | None:
        """What comes next: past a comma, or ``end``."""
        found = self.peek()
        if found == ord(","):
            self.at += 1
            found = self.peek()
            if found == ord(end):
                raise self.failure("trailing comma", self.at + 1)
            if found is None:
                raise self.failure("EOF while parsing a value")
        elif found not in {ord(end), None}:
            raise self.failure(f"expected `,` or `{end}`", self.at + 1)
        return found

    def container(self) -> str | None:
        """``map`` or ``sequence`` if one of them comes next."""
        return {ord("{"): "map", ord("["): "sequence"}.get(self.peek() or 0)

    def scalar(self) -> Value:
        """A value that is no container."""
        found = self.peek()
        if found is None:
            raise self.failure("EOF while parsing a value")
        if found == ord('"'):
            return self._text()
        if found in _LITERALS:
            return self._literal(*_LITERALS[found])
        if found in _NUMBER_STARTS:
            return self._number()
        raise self.failure("expected value", self.at + 1)

    def skip(self) -> None:
        """Whatever comes next, unread: what escapes stand for is not looked at."""
        closing: list[int] = []
        while True:
            found = self.peek()
            if found in {ord("{"), ord("[")}:
                self.at += 1
                closing.append(ord("}") if found == ord("{") else ord("]"))
                if self.peek() == closing[-1]:
                    self.at += 1
                    closing.pop()
                elif closing[-1] == ord("}"):
                    self._skip_key()
                    continue
                else:
                    continue
            elif found == ord('"'):
                self._bytes(checked=False)
            else:
                self.scalar()
            while closing and self._next_is_end(closing[-1]):
                closing.pop()
            if not closing:
                return
            if closing[-1] == ord("}"):
                self._skip_key()

    def _next_is_end(self, closing: int) -> bool:
        """Whether a container that is passed over ends here; else its comma is behind us."""
        found = self.peek()
        if found not in {closing, ord(",")}:
            kind = "an object" if closing == ord("}") else "a list"
            if found is None:
                raise self.failure(f"EOF while parsing {kind}")
            raise self.failure(f"expected `,` or `{chr(closing)}`", self.at + 1)
        self.at += 1
        return found == closing

    def _skip_key(self) -> None:
        found = self.peek()
        if found is None:
            raise self.failure("EOF while parsing an object")
        if found != ord('"'):
            raise self.failure("key must be a string", self.at + 1)
        self._bytes(checked=False)
        self.colon()

    def end(self) -> None:
        """Raise if anything but space is left."""
        if self.peek() is not None:
            raise self.failure("trailing characters", self.at + 1)

    def _literal(self, word: bytes, value: Value) -> Value:
        for letter in word:
            if self.at >= len(self._raw):
                raise self.failure("EOF while parsing a value")
            self.at += 1
            if self._raw[self.at - 1] != letter:
                raise self.failure("expected ident")
        return value

    def _number(self) -> int | float:
        match = _NUMBER.match(self._raw, self.at)
        start, end = self.at, self.at + 1 if match is None else match.end()
        following = self._raw[end : end + 1]
        if match is None or (following and following in b".eE" and not (following == b"." and match[1])):
            # A sign, a point or an exponent without a digit after it.
            rest = self._raw[end:].lstrip(b".eE+-") if match is not None else self._raw[end:]
            if not rest:
                raise self.failure("EOF while parsing a value", len(self._raw))
            raise self.failure("invalid number", len(self._raw) - len(rest) + 1)
        if match[0].lstrip(b"-") == b"0" and following.isdigit():
            raise self.failure("invalid number", end + 1)
        self.at = end
        if match[1] is None and match[2] is None and match[0] != b"-0" and end - start <= len(str(_MOST)):
            value = int(match[0])
            if -(_MOST // 2) <= value < _MOST:
                return value
        number = float(match[0])
        if math.isinf(number):
            raise self.failure("number out of range")
        return number

    def _text(self) -> str:
        kept = self._bytes(checked=True)
        try:
            return kept.decode()
        except UnicodeDecodeError as error:
            raise self.failure("invalid unicode code point") from error

    def _bytes(self, *, checked: bool) -> bytes:
        """A string, its quotes and escapes resolved; ``checked``: escapes must stand for characters."""
        self.at += 1
        kept = bytearray()
        while True:
            kept += self._take(_PLAIN)
            if self.at >= len(self._raw):
                raise self.failure("EOF while parsing a string")
            found = self._raw[self.at]
            if found == ord('"'):
                self.at += 1
                return bytes(kept)
            if found != ord("\\"):
                raise self.failure("control character (\\u0000-\\u001F) found while parsing a string")
            self.at += 1
            kept += self._escaped(checked=checked)

    def _escaped(self, *, checked: bool) -> bytes:
        if self.at >= len(self._raw):
            raise self.failure("EOF while parsing a string")
        self.at += 1
        letter = self._raw[self.at - 1]
        if letter in _SHORT:
            return bytes([_SHORT[letter]])
        if letter != ord("u"):
            raise self.failure("invalid escape")
        unit = self._four()
        if not checked:
            return b""
        if _LOW <= unit < _BEYOND:
            raise self.failure("lone leading surrogate in hex escape")
        if _HIGH <= unit < _LOW:
            for letter in b"\\u":
                self.at += 1
                if self._raw[self.at - 1 : self.at] != bytes([letter]):
                    raise self.failure("unexpected end of hex escape")
            low = self._four()
            if not _LOW <= low < _BEYOND:
                raise self.failure("lone leading surrogate in hex escape")
            unit = 0x10000 + ((unit - _HIGH) << 10) + (low - _LOW)
        return chr(unit).encode()

    def _four(self) -> int:
        digits = self._raw[self.at : self.at + 4]
        self.at = min(self.at + 4, len(self._raw))
        if len(digits) < 4:
            raise self.failure("EOF while parsing a string")
        if re.fullmatch(rb"[0-9a-fA-F]{4}", digits) is None:
            raise self.failure("invalid escape")
        return int(digits, 16)
