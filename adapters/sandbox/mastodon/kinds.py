"""The kinds of file that Mastodon takes."""

from __future__ import annotations

PICTURES = (
    "image/jpeg",
    "image/png",
    "image/gif",
    "image/heic",
    "image/heif",
    "image/webp",
    "image/avif",
)
VIDEOS = ("video/webm", "video/mp4", "video/quicktime", "video/ogg", "video/x-ms-asf")
SOUNDS = (
    "audio/wave",
    "audio/wav",
    "audio/x-wav",
    "audio/x-pn-wave",
    "audio/vnd.wave",
    "audio/ogg",
    "audio/vorbis",
    "audio/mpeg",
    "audio/mp3",
    "audio/webm",
    "audio/flac",
    "audio/aac",
    "audio/m4a",
    "audio/x-m4a",
    "audio/mp4",
    "audio/3gpp",
)
# In the order in which a server announces them.
ANNOUNCED = (*PICTURES, *VIDEOS[:4], *SOUNDS, VIDEOS[4])
