"""Reading queries and bodies as strictly as serde does, with its messages."""

from __future__ import annotations

import json
import types
import typing
from dataclasses import MISSING, dataclass, fields
from enum import StrEnum
from typing import Annotated, Any, TypeVar, dataclass_transform
from urllib.parse import parse_qsl

from adapters.sandbox.lemmy.errors import MalformedRequestError

Id = Annotated[int, "i32"]
Small = Annotated[int, "i16"]
Long = Annotated[int, "i64"]
_BITS = {"i16": 16, "i32": 32, "i64": 64}

F = TypeVar("F")


@dataclass_transform(frozen_default=True, kw_only_default=True)
def form(kind: type[F]) -> type[F]:
    """A class whose annotations say what a call takes."""
    return dataclass(frozen=True, slots=True, kw_only=True)(kind)


@dataclass(frozen=True, slots=True)
class _Spec:
    """The type of one field: ``kind`` is ``str``, ``bool``, ``i32`` … or an enumeration; ``many`` for a list."""

    name: str
    kind: str | type[StrEnum]
    required: bool
    nullable: bool
    many: bool


_KNOWN: dict[Any, dict[str, _Spec]] = {}


def _specs(kind: Any) -> dict[str, _Spec]:
    if kind not in _KNOWN:
        _KNOWN[kind] = _read_specs(kind)
    return _KNOWN[kind]


def _read_specs(kind: Any) -> dict[str, _Spec]:
    hints = typing.get_type_hints(kind, include_extras=True)
    out = {}
    for item in fields(kind):
        hint, nullable, many = hints[item.name], False, False
        if isinstance(hint, types.UnionType) or typing.get_origin(hint) is typing.Union:
            hint = next(part for part in typing.get_args(hint) if part is not type(None))
            nullable = True
        if typing.get_origin(hint) is list:
            (hint,) = typing.get_args(hint)
            many = True
        scalar: str | type[StrEnum]
        if typing.get_origin(hint) is Annotated:
            scalar = hint.__metadata__[0]
        else:
            scalar = hint if issubclass(hint, StrEnum) else hint.__name__
        out[item.name] = _Spec(item.name, scalar, item.default is MISSING, nullable, many)
    return out


def read_query(kind: type[F], raw: str) -> F:
    """A query string as ``form``; raises ``MalformedRequestError``."""
    specs, values = _specs(kind), {}
    for name, text in parse_qsl(raw, keep_blank_values=True, max_num_fields=200):
        spec = specs.get(name)
        if spec is None:
            continue
        if name in values:
            raise _bad_query(f"duplicate field `{name}`")
        values[name] = _from_text(spec, text)
    for spec in specs.values():
        if spec.required and spec.name not in values:
            raise _bad_query(f"missing field `{spec.name}`")
    return kind(**values)


def _bad_query(message: str) -> MalformedRequestError:
    return MalformedRequestError(f"Query deserialize error: {message}")


def _from_text(spec: _Spec, text: str) -> object:
    if spec.kind == "str":
        return text
    if spec.kind == "bool":
        if text not in {"true", "false"}:
            raise _bad_query("provided string was not `true` or `false`")
        return text == "true"
    if isinstance(spec.kind, str):
        return _integer(text, _BITS[spec.kind])
    return _variant(spec.kind, text, "Query deserialize error: {}")


def _integer(text: str, bits: int) -> int:
    if not text:
        raise _bad_query("cannot parse integer from empty string")
    digits = text[1:] if text[0] in "+-" else text
    if not (digits.isascii() and digits.isdigit()):
        raise _bad_query("invalid digit found in string")
    value = int(text)
    if value >= 1 << (bits - 1):
        raise _bad_query("number too large to fit in target type")
    if value < -(1 << (bits - 1)):
        raise _bad_query("number too small to fit in target type")
    return value


def _variant(kind: type[StrEnum], text: str, frame: str) -> StrEnum:
    try:
        return kind(text)
    except ValueError as error:
        names = [f"`{member}`" for member in kind]
        known = " or ".join(names) if len(names) == 2 else "one of " + ", ".join(names)
        raise MalformedRequestError(frame.format(f"unknown variant `{text}`, expected {known}")) from error


def read_json(kind: type[F], raw: bytes, content_type: str) -> F:
    """A JSON body as ``form``; raises ``MalformedRequestError``."""
    essence = content_type.split(";", maxsplit=1)[0].strip().lower()
    if essence != "application/json" and not essence.endswith("+json"):
        raise MalformedRequestError("Content type error")
    try:
        text = raw.decode()
        document = json.loads(text)
    except ValueError as error:
        raise _bad_json(_json_problem(raw, error)) from error
    if not isinstance(document, dict):
        raise _bad_json(f"invalid type: {_unexpected(document)}, expected struct {kind.__name__} at line 1 column 0")
    specs, ends, values = _specs(kind), _value_ends(text), {}
    for name, value in document.items():
        spec = specs.get(name)
        if spec is not None:
            values[name] = _from_json(spec, value, _place(text, ends.get(name, len(text))))
    for spec in specs.values():
        if spec.required and spec.name not in values:
            raise _bad_json(f"missing field `{spec.name}` at {_place(text, len(text.rstrip()))}")
    return kind(**values)


def _bad_json(message: str) -> MalformedRequestError:
    return MalformedRequestError(f"Json deserialize error: {message}")


def _json_problem(raw: bytes, error: ValueError) -> str:
    if not raw.strip():
        return "EOF while parsing a value at line 1 column 0"
    if isinstance(error, json.JSONDecodeError):
        return f"expected value at line {error.lineno} column {error.colno}"
    return "invalid unicode code point at line 1 column 0"


def _place(text: str, end: int) -> str:
    before = text[:end]
    return f"line {before.count(chr(10)) + 1} column {len(before) - before.rfind(chr(10)) - 1}"


def _value_ends(text: str) -> dict[str, int]:
    """Where the value of each key of the outermost object ends."""
    ends: dict[str, int] = {}
    decoder, at = json.JSONDecoder(), text.index("{") + 1
    while True:
        while text[at] in " \t\r\n,":
            at += 1
        if text[at] == "}":
            return ends
        name, at = decoder.raw_decode(text, at)
        at = text.index(":", at) + 1
        while text[at] in " \t\r\n":
            at += 1
        _, at = decoder.raw_decode(text, at)
        ends[name] = at


def _from_json(spec: _Spec, value: object, place: str) -> object:
    if value is None and spec.nullable:
        return None
    if not spec.many:
        return _scalar(spec.kind, value, place)
    if not isinstance(value, list):
        raise _bad_json(f"invalid type: {_unexpected(value)}, expected a sequence at {place}")
    return [_scalar(spec.kind, item, place) for item in value]


def _scalar(kind: str | type[StrEnum], value: object, place: str) -> object:
    if kind == "str":
        fits, expected = isinstance(value, str), "a string"
    elif kind == "bool":
        fits, expected = isinstance(value, bool), "a boolean"
    elif isinstance(kind, str):
        fits, expected = isinstance(value, int) and not isinstance(value, bool), kind
    else:
        fits, expected = isinstance(value, str), f"enum {kind.__name__}"
    if not fits:
        raise _bad_json(f"invalid type: {_unexpected(value)}, expected {expected} at {place}")
    if isinstance(kind, str):
        if isinstance(value, int) and kind in _BITS and not -(1 << (_BITS[kind] - 1)) <= value < 1 << (_BITS[kind] - 1):
            raise _bad_json(f"invalid value: integer `{value}`, expected {kind} at {place}")
        return value
    return _variant(kind, str(value), "Json deserialize error: {} at " + place)


def _unexpected(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return f"boolean `{str(value).lower()}`"
        case int():
            return f"integer `{value}`"
        case float():
            return f"floating point `{value}`"
        case str():
            return f"string {json.dumps(value, ensure_ascii=False)}"
        case list():
            return "sequence"
    return "map"
