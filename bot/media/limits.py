"""How much one file may cost."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class DecodeLimits:
    """Bounds of one decode. The defaults let a 64-megapixel PNG with transparency through in about 1 GB.

    A file over the bounds on pixels is turned away by its header; the other bounds end the worker process.
    """

    max_pixels: int = 64_000_000
    max_side: int = 30_000  # pixels
    memory_bytes: int = 1536 * 1024 * 1024  # address space of a worker
    wall_seconds: float = 10.0
    cpu_seconds: int = 10
    max_frames: int = 8  # of an animation, spread over
    first_frames: int = 300  # its first so many; every frame before a sampled one must be decoded too
    animation_seconds: float = 2.0  # processor time for frames after the first
    video_frames: int = 16  # of a video, spread over all of it
    video_seconds: float = 4.0  # processor time for reading and decoding it, the opening of it aside
    video_pixels: int = 16_000_000  # of a frame. A decoder keeps up to 17 of them: H.264, annex A.3.1
    video_packets: int = 200_000  # of all its pictures; at 30 in a second it is nearly two hours
    video_tracks: int = 4
