"""Reading queries and bodies as strictly as serde does, with its messages."""

from __future__ import annotations

import json
import re
import types
import typing
from dataclasses import MISSING, dataclass, fields
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, TypeVar, dataclass_transform
from urllib.parse import parse_qsl

from adapters.sandbox.lemmy.errors import MalformedRequestError
from adapters.sandbox.lemmy.reading_json import JsonReader

if TYPE_CHECKING:
    from collections.abc import Iterator

Id = Annotated[int, "i32"]
Small = Annotated[int, "i16"]
Long = Annotated[int, "i64"]
_BITS = {"i16": 16, "i32": 32, "i64": 64}
_LONGEST = 2_097_152  # bytes of a body: the default of actix-web

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
    try:
        return spec.kind(text)
    except ValueError as error:
        raise _bad_query(_no_variant(spec.kind, text)) from error


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


def _no_variant(kind: type[StrEnum], text: str) -> str:
    names = [f"`{member}`" for member in kind]
    known = " or ".join(names) if len(names) == 2 else "one of " + ", ".join(names)
    return f"unknown variant `{text}`, expected {known}"


def check_json(raw: bytes, content_type: str) -> None:
    """Raise ``MalformedRequestError`` for what is not even read: what is not called JSON, and too much of it."""
    kind, _, subtype = content_type.split(";", maxsplit=1)[0].strip().lower().partition("/")
    if not kind or (subtype != "json" and not subtype.endswith("+json")):
        raise MalformedRequestError("Content type error")
    if len(raw) > _LONGEST:
        size = f"{len(raw)} bytes) is larger than allowed (limit: {_LONGEST} bytes)."
        raise MalformedRequestError(f"JSON payload ({size}", status=413)


def read_json(kind: type[F], raw: bytes) -> F:
    """A JSON body as ``form``; raises ``MalformedRequestError``."""
    reader, specs, values = JsonReader(raw), _specs(kind), dict[str, object]()
    container = reader.container()
    if container is None:
        raise reader.failure(f"invalid type: {_unexpected(reader.scalar())}, expected struct {kind.__name__}")
    if container == "sequence":
        # serde reads a struct from a list, too, if it is long enough. No client sends one.
        length = sum(1 for _ in _passed_over(reader))
        raise reader.failure(f"invalid length {length}, expected struct {kind.__name__} with {len(specs)} elements")
    for name in reader.members():
        spec = specs.get(name)
        if name in values:
            raise reader.failure(f"duplicate field `{name}`")
        reader.colon()
        if spec is None:
            reader.skip()
        else:
            values[name] = _from_json(spec, reader)
    for spec in specs.values():
        if spec.required and spec.name not in values:
            raise reader.failure(f"missing field `{spec.name}`")
    reader.end()
    return kind(**values)


def has_nul(form: object) -> bool:
    """Whether a text in a form has the one character that PostgreSQL cannot keep."""
    return any("\0" in value for name in _specs(type(form)) if isinstance(value := getattr(form, name), str))


def _passed_over(reader: JsonReader) -> Iterator[None]:
    for _ in reader.elements():
        reader.skip()
        yield


def _from_json(spec: _Spec, reader: JsonReader) -> object:
    if not spec.many:
        return _scalar(spec, reader, nullable=spec.nullable)
    container = reader.container()
    if container is None:
        value = reader.scalar()
        if value is None and spec.nullable:
            return None
        raise reader.failure(f"invalid type: {_unexpected(value)}, expected a sequence")
    if container == "map":
        raise reader.failure("invalid type: map, expected a sequence")
    return [_scalar(spec, reader) for _ in reader.elements()]


def _scalar(spec: _Spec, reader: JsonReader, *, nullable: bool = False) -> object:
    kind, container = spec.kind, reader.container()
    if kind == "str":
        expected = "a string"
    elif kind == "bool":
        expected = "a boolean"
    else:
        expected = kind if isinstance(kind, str) else f"enum {kind.__name__}"
    if container is not None:
        raise reader.failure(f"invalid type: {container}, expected {expected}")
    value = reader.scalar()
    if value is None and nullable:
        return None
    wanted = {"str": str, "bool": bool}.get(kind, int) if isinstance(kind, str) else str
    if type(value) is not wanted:
        raise reader.failure(f"invalid type: {_unexpected(value)}, expected {expected}")
    if not isinstance(kind, str):
        try:
            return kind(str(value))
        except ValueError as error:
            raise reader.failure(_no_variant(kind, str(value))) from error
    if isinstance(value, int) and kind in _BITS and not -(1 << (_BITS[kind] - 1)) <= value < 1 << (_BITS[kind] - 1):
        raise reader.failure(f"invalid value: integer `{value}`, expected {kind}")
    return value


def _unexpected(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return f"boolean `{str(value).lower()}`"
        case int():
            return f"integer `{value}`"
        case float():
            shortest = re.sub("e[+]?(-?)0*", "e\\1", repr(value))
            return f"floating point `{shortest}`"
    return f"string {json.dumps(value, ensure_ascii=False)}"
