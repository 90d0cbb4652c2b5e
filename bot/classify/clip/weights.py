"""Files that are used only if they are those that were meant, and never unpickled."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load as load_arrays

from bot.domain.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


def digest_of(path: Path) -> str:
    """SHA-256 of a file, in pieces: it may be larger than what memory is left. Raises ``ConfigError``."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ConfigError(_unreadable(path, error)) from error


def check(path: Path, sha256: str) -> None:
    """Raises ``ConfigError`` for a file that is missing or another one."""
    _same(path, digest_of(path), sha256)


def _unreadable(path: Path, error: OSError) -> str:
    return f"{path}: cannot be read: {error.strerror}; put the file there, or mend the path in `detectors`"


def _same(path: Path, found: str, sha256: str) -> None:
    if found != sha256:
        raise ConfigError(
            f"{path}: has the digest {found}, not {sha256}; get the file that was meant, or write the digest of this "
            "one if it is"
        )


def read(path: Path, sha256: str) -> bytes:
    """A file that fits into memory: the very bytes that were checked. Raises as ``check`` does."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ConfigError(_unreadable(path, error)) from error
    _same(path, hashlib.sha256(data).hexdigest(), sha256)
    return data


def arrays(data: bytes, where: Path) -> Mapping[str, np.ndarray[Any, Any]]:
    """What a safetensors file holds, as float32. Raises ``ConfigError`` for anything else, and for NaN."""
    try:
        found = load_arrays(data)
    except (SafetensorError, KeyError, ValueError, TypeError) as error:
        raise ConfigError(f"{where}: is no safetensors file: {error}") from error
    made = {name: np.asarray(value, dtype=np.float32) for name, value in found.items()}
    for name, value in made.items():
        if not np.isfinite(value).all():
            raise ConfigError(f"{where}: {name} has numbers that are none (NaN or infinite)")
    return made


def unit(rows: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Each row at length 1; a row of zeros becomes NaN, which nobody takes for an answer."""
    length = np.linalg.norm(rows, axis=-1, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(rows / length, dtype=np.float32)
