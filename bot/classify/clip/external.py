"""A model in ONNX and the other files that it reads: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bot.classify.clip.weights import check, read
from bot.domain.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

_FIELDS: Final[Mapping[str, Mapping[int, str]]] = {
    "model": {7: "graph", 20: "training", 25: "function"},
    "training": {1: "graph", 2: "graph"},
    "function": {7: "node", 11: "attribute"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
    "tensor": {13: "entry"},
}
"""Of each kind of message, the fields that lead to the places where a tensor names a file."""

_KEY, _VALUE, _LOCATION = 1, 2, b"location"


def checked(path: Path, digests: Mapping[str, str]) -> bytes | str:
    """What an engine may open: the bytes that were checked, or ``path`` where weights are in files beside it.

    ``digests``: of every file beside ``path`` that may be read, and of itself, by their names. Raises ``ConfigError``
    for a file that is not the one that was exported, or that is none of these.
    """
    model = read(path, digests[path.name])
    try:
        others = locations(model)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from error
    for name in sorted(others):
        if name not in digests:
            raise ConfigError(f"{path}: reads the file {name!r}, which the manifest does not name; export it again")
        check(path.parent / name, digests[name])
    return str(path) if others else model


def locations(model: bytes) -> frozenset[str]:
    """Names of files, as the model has them. Raises ``ConfigError`` for what is no model in ONNX."""
    try:
        return frozenset(_below(memoryview(model), "model"))
    except (IndexError, ValueError, RecursionError) as error:
        raise ConfigError("it is no model in ONNX, or damaged") from error


def _below(message: memoryview, kind: str) -> Iterator[str]:
    if kind == "entry":
        said = {number: bytes(value) for number, value in _pieces(message)}
        if said.get(_KEY) == _LOCATION:
            yield said.get(_VALUE, b"").decode()
        return
    inner = _FIELDS[kind]
    for number, value in _pieces(message):
        if number in inner:
            yield from _below(value, inner[number])


def _pieces(message: memoryview) -> Iterator[tuple[int, memoryview]]:
    """Number and content of every field that has a length: https://protobuf.dev/programming-guides/encoding/."""
    at = 0
    while at < len(message):
        tag, at = _varint(message, at)
        match tag & 7:
            case 0:
                _, at = _varint(message, at)
            case 1:
                at += 8
            case 2:
                size, at = _varint(message, at)
                yield tag >> 3, message[at : at + size]
                at += size
            case 5:
                at += 4
            case _:
                raise ValueError("a kind of field that ONNX does not have")
    if at != len(message):
        raise ValueError("a field is longer than its message")


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at
