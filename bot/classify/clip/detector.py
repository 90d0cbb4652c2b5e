"""The detector: one encoding of each picture, and everything that is asked of it."""

from __future__ import annotations

import json
from importlib import metadata
from typing import TYPE_CHECKING, Any

import numpy as np
import structlog

from bot.classify.clip.eight_bits import RECIPE
from bot.classify.clip.engines import LIBRARIES
from bot.classify.clip.extras import read_heads, read_samples
from bot.classify.clip.labels import Brought, canonical, check, prompts_of, read
from bot.classify.clip.model import described, digest, open_model
from bot.classify.clip.scoring import Scoring, combinations_of, questions_of
from bot.classify.clip.texts import embedded
from bot.classify.device import UnavailableError
from bot.domain.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bot.classify.clip.engines import Engine
    from bot.classify.clip.labels import LabelFile
    from bot.classify.clip.model import Model
    from bot.classify.clip.scoring import Question
    from bot.classify.clip.settings import ClipSettings
    from bot.ports import ViewSpec

_log = structlog.get_logger(__name__)


class ClipDetector:
    """``Detector`` on a CLIP model. ``infer`` gives embeddings, ``finish`` the labels' values."""

    def __init__(self, settings: ClipSettings) -> None:
        """Raises ``ConfigError`` for weights, labels, heads and samples that cannot be used.

        A device that is not there is no fault of the configuration: the detector then says that it is unavailable, and
        tries again.
        """
        self._settings = settings
        self._model: Model = open_model(settings)
        weights, dim = self._model.identity.weights, self._model.dim
        files = [read(name) for name in settings.labels]
        for file in files:
            _meant_for(file, self._model)
        texts = embedded(
            prompts_of(files),
            known=self._model.known,
            cache=settings.cache,
            tower=self._model.tower,
            embed=self._model.embed,
        )
        _lengths(texts, dim)
        parts = [json.dumps(canonical(files), sort_keys=True)]
        brought: list[Question] = []
        for head in settings.heads:
            brought += read_heads(head, dim=dim, weights=weights)
            parts.append(head.sha256)
        for sample in settings.samples:
            question, made = read_samples(sample, dim=dim, weights=weights)
            brought.append(question)
            parts.append(f"{sample.label} {made}")
        check(files, [Brought(question.label, *question.reach) for question in brought])
        questions = [*questions_of(files, texts, self._model.scale), *brought]
        self._scoring = Scoring(questions, combinations_of(files))
        self._revision = "clip-" + digest([*described(self._model, settings), *_versions(settings), *parts])
        self._engine: Engine | None = None
        self._exactly = False
        try:
            self.restart()
        except ConfigError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever a driver raises
            _log.error("the device cannot be used", detector=self.id, device=settings.device, reason=str(error))

    @property
    def id(self) -> str:
        """The operator's name for it."""
        return self._settings.id

    @property
    def revision(self) -> str:
        """``clip-`` and the start of a digest over model, weights, view, labels, heads, samples, engine and device."""
        return self._revision

    @property
    def views(self) -> tuple[ViewSpec, ...]:
        """One."""
        return (self._model.preprocessing.view,)

    @property
    def batch(self) -> int:
        """Pictures in one inference, at most."""
        return self._settings.batch

    @property
    def labels(self) -> Sequence[str]:
        """What ``finish`` gives a value for."""
        return self._scoring.labels

    @property
    def weights(self) -> str:
        """SHA-256 of the weights: which embeddings can be compared with each other."""
        return self._model.identity.weights

    def watch(self, thresholds: Mapping[str, Sequence[float]]) -> None:
        """Label to the values from which on rules fire: int8 looks again at what is near one of them.

        Raises ``ConfigError`` for a label that it does not have: a rule on it would never fire.
        """
        for label in thresholds:
            if label not in self._scoring.labels:
                known = ", ".join(self._scoring.labels)
                raise ConfigError(f"rules: the detector {self.id!r} has no label {label!r}; it has {known}")
        self._scoring.watch(thresholds)

    def look_exactly(self) -> None:
        """From now on int8 decides nothing: for measuring, when it is not known yet where thresholds will lie."""
        self._exactly = True

    def infer(self, batch: Sequence[np.ndarray[Any, Any]]) -> np.ndarray[Any, Any]:
        """``(n, side, side, 3) uint8`` to ``(n, dim) float32``: embeddings of length 1."""
        if self._engine is None:
            raise UnavailableError(f"{self.id}: the device {self._settings.device} cannot be used")
        (pictures,) = batch
        return self._engine.encode(pictures)

    def finish(self, raw: np.ndarray[Any, Any]) -> Sequence[Mapping[str, float]]:
        """The value of every label for each embedding."""
        return self._scoring.values(raw)

    def restart(self) -> None:
        """Load the image tower anew, from the same weights."""
        self._engine = None
        self._engine = self._model.start(self._doubtful)

    def _doubtful(self, rows: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        if self._exactly:
            return np.ones(len(rows), dtype=bool)
        return self._scoring.near(rows, self._settings.margin)


def _versions(settings: ClipSettings) -> list[str]:
    library = LIBRARIES[settings.engine]
    said = [f"{library} {metadata.version(library)}"]
    return [*said, RECIPE] if settings.engine == "openvino-int8" else said


def _meant_for(file: LabelFile, model: Model) -> None:
    """Published thresholds mean nothing for any other weights. Raises ``ConfigError``."""
    published, is_ = file.published, model.identity
    if published is not None and (published.model, published.pretrained) != (is_.model, is_.pretrained):
        raise ConfigError(
            f"labels: {file.id}: its thresholds were published for {published.model} {published.pretrained} and mean "
            f"nothing for {is_.model} {is_.pretrained or '(no `pretrained`)'}"
        )


def _lengths(texts: Mapping[str, np.ndarray[Any, Any]], dim: int) -> None:
    if any(row.shape != (dim,) for row in texts.values()):
        raise ConfigError(f"embeddings of prompts are not of {dim} numbers each; delete `cache`, or export again")
