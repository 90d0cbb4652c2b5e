"""Detectors, and what they are measured with."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from bot.domain.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    import numpy as np

    from bot.classify.batcher import BatchScorer
    from bot.classify.clip.settings import ClipSettings
    from bot.classify.settings import DetectorSettings
    from bot.media.decode import ProcessDecoder
    from bot.media.limits import DecodeLimits
    from bot.operate.bench import Way
    from bot.ports import Detector
    from bot.settings import MediaSettings, Settings


def open_encoder(
    settings: Settings, detector: str, *, base: Path
) -> tuple[Detector, Callable[[np.ndarray[Any, Any]], bytes]]:
    """A CLIP detector that only encodes, and what makes a file of samples from what it encoded.

    Raises ``ConfigError``.
    """
    from bot.classify.clip.extras import pack_samples
    from bot.classify.clip.variants import encoder

    said = _clip_settings(settings, detector, base)
    made = encoder(said, engine=said.engine.removesuffix("-int8")).open()
    return made, partial(pack_samples, weights=made.weights)


def encoder_variants(settings: Settings, detector: str, *, base: Path) -> tuple[Sequence[Way], float]:
    """Every way to run a CLIP detector's model here, and its ``margin``. Raises ``ConfigError``."""
    from bot.classify.clip.variants import variants

    said = _clip_settings(settings, detector, base)
    found = variants(said)
    if not found:
        raise ConfigError(f"{detector}: this model needs torch: install fediwarden[clip]")
    return found, said.margin


def open_to_measure(
    settings: Settings, only: Sequence[str], *, base: Path
) -> tuple[ProcessDecoder, BatchScorer, Sequence[DetectorSettings]]:
    """Detectors (``only`` these, or all) that look at everything, and exactly: at whatever a threshold may become.

    Raises ``ConfigError``.
    """
    from bot.classify.batcher import BatchScorer
    from bot.classify.clip.detector import ClipDetector
    from bot.classify.registry import build_detectors, read_settings
    from bot.media.decode import ProcessDecoder

    said = [read_settings(block).beside(base) for block in settings.detectors]
    missing = sorted(set(only) - {one.id for one in said})
    if not said:
        raise ConfigError("detectors: there is none, so there is nothing to measure; docs/rules.md has examples")
    if missing:
        there = ", ".join(one.id for one in said)
        raise ConfigError(f"detectors: there is no {', '.join(missing)} to be measured; there is: {there}")
    chosen = [one for one in said if not only or one.id in only]
    detectors = build_detectors([one.model_copy(update={"after": None}) for one in chosen])
    for detector in detectors:
        if isinstance(detector, ClipDetector):
            detector.look_exactly()
    scorer = BatchScorer(detectors)
    media = settings.media
    decoder = ProcessDecoder(workers=media.decode_workers, limits=decode_limits(media))
    return decoder, scorer, chosen


def _clip_settings(settings: Settings, detector: str, base: Path) -> ClipSettings:
    from bot.classify.clip.settings import ClipSettings
    from bot.classify.registry import read_settings

    for block in settings.detectors:
        said = read_settings(block).beside(base) if block.get("id") == detector else None
        if isinstance(said, ClipSettings):
            return said
    raise ConfigError(f"there is no detector {detector!r} of kind clip under `detectors`")


def frames_wanted(block: Mapping[str, Any], base: Path) -> Mapping[str, int]:
    """Labels that want several frames of what moves. Raises ``ConfigError``."""
    from bot.classify.registry import frames_wanted, read_settings

    return frames_wanted(read_settings(block).beside(base))


def decode_limits(media: MediaSettings) -> DecodeLimits:
    """What one file may cost."""
    from bot.media.limits import DecodeLimits

    return DecodeLimits(
        wall_seconds=media.decode_seconds, max_frames=media.animation_frames, video_frames=media.video_frames
    )
