"""What pict-rs makes of uploaded bytes: their format, size and frames, without metadata; and smaller copies."""

from __future__ import annotations

import struct
import warnings
import zlib
from dataclasses import dataclass
from io import BytesIO

from PIL import Image, ImageSequence, UnidentifiedImageError

from adapters.sandbox.blurhash import blurhash
from adapters.sandbox.clock import now, trimmed_ns


class InvalidMediaError(Exception):
    """No picture of a format that pict-rs takes: 400."""


class EmptyMediaError(InvalidMediaError):
    """No byte at all: 400, in other words."""


class OversizedMediaError(InvalidMediaError):
    """More than the defaults of pict-rs allow; ``code`` and ``msg`` say of what."""

    def __init__(self, what: str, msg: str) -> None:
        super().__init__(msg)
        self.code = f"validate-{what}"
        self.msg = msg
        self.status = 413 if what == "file-size" else 400


class BrokenMediaError(Exception):
    """A picture that ends too soon, on which a tool of pict-rs fails: 500."""


@dataclass(frozen=True, slots=True)
class Format:
    """One stored format: ``code`` is the last byte of the hash of a file."""

    code: int
    extension: str
    content_type: str
    kind: str  # "Image" or "Animation", as pict-rs says it
    pillow: str


PNG = Format(7, "png", "image/png", "Image", "PNG")
JPEG = Format(5, "jpeg", "image/jpeg", "Image", "JPEG")
GIF = Format(2, "gif", "image/gif", "Animation", "GIF")
_STILL = {
    "PNG": PNG,
    "JPEG": JPEG,
    "MPO": JPEG,
    "GIF": GIF,
    "WEBP": Format(8, "webp", "image/webp", "Image", "WEBP"),
    "AVIF": Format(4, "avif", "image/avif", "Image", "AVIF"),
}
_MOVING = {
    "PNG": Format(0, "apng", "image/apng", "Animation", "PNG"),
    "GIF": GIF,
    "WEBP": Format(3, "webp", "image/webp", "Animation", "WEBP"),
    "AVIF": Format(1, "avif", "image/avif", "Animation", "AVIF"),
}
# process.EXT: the formats that a copy can be asked for, in the spelling of the URL.
TARGETS = {
    "apng": _MOVING["PNG"],
    "avif": _STILL["AVIF"],
    "gif": GIF,
    "jpeg": JPEG,
    "jpg": JPEG,
    "png": PNG,
    "webp": _STILL["WEBP"],
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Limits:
    """The defaults of ``media.image`` and ``media.animation`` (pict-rs 0.5, defaults.toml)."""

    side: int  # pixels, of width and height each
    area: int  # pixels
    frames: int | None = None


_LIMITS = {
    "Image": _Limits(side=10_000, area=40_000_000),
    "Animation": _Limits(side=1_920, area=2_073_600, frames=900),
}
_LONGEST = 40 * 1024 * 1024  # bytes


@dataclass(frozen=True, slots=True)
class Probed:
    """What is known of the bytes of one file."""

    format: Format
    width: int
    height: int
    frames: int | None
    blurhash: str


def probe(data: bytes) -> Probed:
    """Decode all of it; raises ``InvalidMediaError`` (``EmptyMediaError`` …) or ``BrokenMediaError``."""
    if not data:
        raise EmptyMediaError
    try:
        with warnings.catch_warnings():  # of what is too large for Pillow, too
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            picture = Image.open(BytesIO(data))
    except Image.DecompressionBombError as error:
        # Pillow does not even say of which side there is too much.
        raise OversizedMediaError("width", "Too wide") from error
    except (UnidentifiedImageError, OSError, ValueError) as error:
        raise InvalidMediaError from error
    with picture:
        count = getattr(picture, "n_frames", 1) if picture.format != "MPO" else 1
        known = (_MOVING if count > 1 else _STILL).get(picture.format or "")
        if known is None:
            raise InvalidMediaError
        _check_size(picture.width, picture.height, count, len(data), _LIMITS[known.kind])
        try:
            picture.load()
        except (OSError, SyntaxError, ValueError, EOFError, struct.error, zlib.error) as error:
            raise BrokenMediaError from error
        frames = count if count > 1 else None
        return Probed(known, picture.width, picture.height, frames, blurhash(picture, across=4, down=3))


def _check_size(width: int, height: int, frames: int, size: int, limits: _Limits) -> None:
    """Raise ``OversizedMediaError`` for the first thing that there is too much of."""
    if width > limits.side:
        raise OversizedMediaError("width", "Too wide")
    if height > limits.side:
        raise OversizedMediaError("height", "Too tall")
    if width * height > limits.area:
        raise OversizedMediaError("area", "Too many pixels")
    if limits.frames is not None and frames > limits.frames:
        raise OversizedMediaError("frames", "Too many frames")
    if size > _LONGEST:
        raise OversizedMediaError("file-size", "Filesize too large")


def smaller(data: bytes, limit: int, target: Format | None = None) -> bytes:
    """A copy with no side longer than ``limit`` pixels, in ``target`` or in its own format; never enlarged."""
    with Image.open(BytesIO(data)) as picture:
        own = _STILL.get(picture.format or "", PNG)
        animated = getattr(picture, "n_frames", 1) > 1 and picture.format != "MPO"
        chosen = target or own
        keeps_moving = animated and chosen.pillow in _MOVING and (target is None or chosen.kind == "Animation")
        frames = list(ImageSequence.Iterator(picture)) if keeps_moving else [picture]
        copies = [_fit(frame.copy(), limit, chosen) for frame in frames]
        out = BytesIO()
        if len(copies) > 1:
            copies[0].save(out, chosen.pillow, save_all=True, append_images=copies[1:], loop=0)
        else:
            copies[0].save(out, chosen.pillow)
    return _stamp(out.getvalue()) if chosen is PNG and target is None else out.getvalue()


def _fit(frame: Image.Image, limit: int, target: Format) -> Image.Image:
    if target is JPEG and frame.mode not in {"RGB", "L"}:
        frame = frame.convert("RGB")
    elif frame.mode == "P":
        frame = frame.convert("RGBA" if "transparency" in frame.info else "RGB")
    longest = max(frame.size)
    if longest <= limit:
        return frame
    size = (max(1, round(frame.width * limit / longest)), max(1, round(frame.height * limit / longest)))
    return frame.resize(size)


def _stamp(png: bytes) -> bytes:
    """Put in the time of making, as the tools of pict-rs do: the same picture made twice has two hashes."""
    moment = now()
    text = b"tEXt" + b"date:create\x00" + trimmed_ns(int(moment.timestamp() * 1e6) * 1000).encode()
    chunk = struct.pack(">I", len(text) - 4) + text + struct.pack(">I", zlib.crc32(text))
    header_end = 8 + 25  # signature and IHDR
    return png[:header_end] + chunk + png[header_end:]


def without_metadata(data: bytes, found: Format) -> bytes:
    """The bytes as they are stored: no EXIF, no comments, for JPEG also no JFIF header."""
    if found is JPEG:
        return _strip_jpeg(data)
    if found.pillow == "PNG":
        return _strip_png(data)
    return data


def _strip_jpeg(data: bytes) -> bytes:
    kept, at = bytearray(data[:2]), 2
    while at + 4 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker == 0xDA:
            break
        length = int.from_bytes(data[at + 2 : at + 4], "big") + 2
        is_application = 0xE0 <= marker <= 0xEF and marker != 0xEE  # APP14 says how colours are coded
        if not is_application and marker != 0xFE:
            kept += data[at : at + length]
        at += length
    return bytes(kept + data[at:])


def _strip_png(data: bytes) -> bytes:
    kept, at = bytearray(data[:8]), 8
    while at + 12 <= len(data):
        length = int.from_bytes(data[at : at + 4], "big") + 12
        if data[at + 4 : at + 8] not in {b"tEXt", b"zTXt", b"iTXt", b"eXIf"}:
            kept += data[at : at + length]
        at += length
    return bytes(kept)
