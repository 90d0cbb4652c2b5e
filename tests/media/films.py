"""Small videos, made by PyAV."""

from __future__ import annotations

import io
import struct
from fractions import Fraction
from functools import cache
from typing import TYPE_CHECKING, Any

import av
import numpy as np

from .drawings import drawing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PIL import Image

SIZE = (120, 90)
QUICK = {
    "libx264": {"preset": "ultrafast", "x264-params": "scenecut=0:log-level=none"},
    "libvpx": {"deadline": "realtime", "cpu-used": "8", "auto-alt-ref": "0"},
    "libvpx-vp9": {"deadline": "realtime", "cpu-used": "8"},
}


@cache
def drawn(seed: int) -> Image.Image:
    """One of the pictures that most films show; see ``drawing``."""
    return drawing(seed, *SIZE)


def film(
    pictures: Sequence[Image.Image],
    kind: str = "mp4",
    codec: str = "libx264",
    *,
    rate: int = 10,
    gop: int = 250,
    turned: int = 0,
    pixels: str = "yuv420p",
    tracks: int = 1,
    sound: bool = False,
) -> bytes:
    """Each picture for one ``rate``-th of a second; a key frame every ``gop`` frames, and no more of them.

    ``turned``: degrees, for players to turn it; ``tracks``: as many with the same pictures; ``sound``: silence with it.
    """
    buffer = io.BytesIO()
    with av.open(buffer, "w", format=kind) as container:
        streams = []
        for _ in range(tracks):
            stream: Any = container.add_stream(codec, rate=rate, options=QUICK.get(codec, {}))
            stream.width, stream.height = pictures[0].size
            stream.pix_fmt, stream.gop_size, stream.thread_count = pixels, gop, 1
            if turned:
                stream.set_display_rotation(turned)
            streams.append(stream)
        if sound:
            audio: Any = container.add_stream("aac", rate=8000)
            silence = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
            silence.sample_rate = 8000
            container.mux(audio.encode(silence))
            container.mux(audio.encode(None))
        for picture in pictures:
            mode = "rgba" if picture.mode == "RGBA" else "rgb24"
            for stream in streams:
                frame = av.VideoFrame.from_ndarray(np.asarray(picture), format=mode).reformat(format=pixels)
                container.mux(stream.encode(frame))
        for stream in streams:
            container.mux(stream.encode(None))
    return buffer.getvalue()


@cache
def moving(kind: str = "mp4", codec: str = "libx264", frames: int = 40, gop: int = 250) -> bytes:
    """Each frame another picture."""
    return film([drawn(seed) for seed in range(frames)], kind, codec, gop=gop)


@cache
def one_key_frame(frames: int, size: tuple[int, int] = (2560, 1440)) -> bytes:
    """A WebM with one key frame and many others, of which each is decoded from the one before it: the same bytes of
    VP8 every time, which say nothing of their number.
    """
    buffer = io.BytesIO()
    few = film([drawn(1).resize(size)] * 3, "webm", "libvpx", gop=100)
    with av.open(io.BytesIO(few)) as source, av.open(buffer, "w", format="webm") as container:
        stream = container.add_stream_from_template(source.streams.video[0])
        key, *others = [bytes(packet) for packet in source.demux(video=0) if packet.size]
        for number in range(frames):
            packet: Any = av.Packet(others[-1] if number else key)
            packet.stream, packet.time_base, packet.is_keyframe = stream, Fraction(1, 100), not number
            packet.pts = packet.dts = number
            container.mux(packet)
    return buffer.getvalue()


def patched(data: bytes, box: bytes, offset: int, new: bytes) -> bytes:
    """An MP4 with other bytes at ``offset`` in the body of its first ``box``."""
    at = data.index(box) + 4 + offset
    return data[:at] + new + data[at + len(new) :]


def early(data: bytes) -> bytes:
    """An MP4 with its index in front, as servers store it: what is cut off then is pictures."""
    at = data.index(b"moov") - 4
    index, rest = bytearray(data[at:]), data[:at]
    head = rest.index(b"ftyp") - 4 + int.from_bytes(rest[:4], "big")
    table = index.index(b"stco") + 8
    for number in range(int.from_bytes(index[table : table + 4], "big")):
        place = table + 4 + 4 * number
        moved = int.from_bytes(index[place : place + 4], "big") + len(index)
        index[place : place + 4] = moved.to_bytes(4, "big")
    return rest[:head] + bytes(index) + rest[head:]


def overlapping(data: bytes, *, frames: int) -> bytes:
    """An MP4 that says of so many frames that each of them is all of its bytes."""
    start = data.index(b"mdat") + 4
    size = data.index(b"moov") - 4 - start
    tables = {
        b"stsz": struct.pack(">III", 0, size, frames),
        b"stco": struct.pack(f">II{frames}I", 0, frames, *([start] * frames)),
        b"stsc": struct.pack(">IIIII", 0, 1, 1, 1, 1),
        b"stts": struct.pack(">IIII", 0, 1, frames, 1024),
    }
    at = data.index(b"moov") - 4
    return data[:at] + _rewritten(data[at:], tables)


def _rewritten(boxes: bytes, tables: dict[bytes, bytes]) -> bytes:
    made = b""
    while boxes:
        size, kind = int.from_bytes(boxes[:4], "big"), boxes[4:8]
        body = boxes[8:size]
        if kind in {b"moov", b"trak", b"mdia", b"minf", b"stbl"}:
            body = _rewritten(body, tables)
        body = tables.get(kind, body)
        if kind not in {b"ctts", b"stss"}:
            made += struct.pack(">I4s", 8 + len(body), kind) + body
        boxes = boxes[size:]
    return made
