"""Label files: what is asked of a picture, in words, and what the answer means."""

from __future__ import annotations

from importlib import resources
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, NamedTuple, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from bot import written
from bot.classify.clip.settings import LabelId, is_file
from bot.domain.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

Words = Annotated[str, Field(min_length=1, max_length=300)]
Frames = Annotated[int, Field(ge=1, le=16)]
"""Of how many frames of what moves a rule on the label wants it, unless the rule says itself. It changes no score."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Label(_Strict):
    """One question.

    ``contrast``: how much nearer the picture is to its nearest prompt than to the nearest of ``counter``, which say
    what is harmless and looks alike; 0.5 is the middle. ``cosine``: the likeness to the nearest prompt as it is (0.2
    is much for most models), with nothing to compare it with.
    """

    id: LabelId
    means: Words
    misses: Words
    measure: Literal["contrast", "cosine"] = "contrast"
    prompts: Annotated[tuple[Words, ...], Field(min_length=1)]
    counter: tuple[Words, ...] = ()
    frames: Frames = 1

    @model_validator(mode="after")
    def _has_what_it_measures(self) -> Self:
        if (self.measure == "contrast") != bool(self.counter):
            raise ValueError("`measure: contrast` needs `counter`, and `measure: cosine` takes none")
        if len({*self.prompts, *self.counter}) != len(self.prompts) + len(self.counter):
            raise ValueError("a prompt stands twice among `prompts` and `counter`")
        return self


class Term(_Strict):
    """A label, and from which value on it holds."""

    label: LabelId
    at_least: Annotated[float, Field(gt=-1, lt=1)]


class AnyOf(_Strict):
    """Several terms, of which one has to hold."""

    any: Annotated[tuple[Term, ...], Field(min_length=2)]


class Combination(_Strict):
    """Several labels that have to hold at once, each at a threshold of its own, while none of ``unless`` does.

    Its value is 0.5 or more exactly if that is so, and tells how far the weakest of them is from its threshold.
    """

    id: LabelId
    means: Words
    misses: Words
    all: Annotated[tuple[Term | AnyOf, ...], Field(min_length=2)]
    unless: tuple[Term, ...] = ()
    frames: Frames = 1

    @property
    def groups(self) -> list[tuple[Term, ...]]:
        """``all``, each as the terms of which one has to hold."""
        return [one.any if isinstance(one, AnyOf) else (one,) for one in self.all]


class Published(_Strict):
    """Whose thresholds stand in a file, and for which weights they were published."""

    source: Words
    model: str
    pretrained: str


class LabelFile(_Strict):
    """The whole file. Its ``version`` changes with every change that can change a score."""

    format: Literal[1] = Field(alias="schema")
    id: LabelId
    version: Annotated[int, Field(ge=1)]
    about: Words
    published: Published | None = None
    labels: tuple[Label, ...] = ()
    combinations: tuple[Combination, ...] = ()

    @model_validator(mode="after")
    def _asks_something(self) -> Self:
        if not (self.labels or self.combinations):
            raise ValueError("it has neither `labels` nor `combinations`")
        return self


def shipped() -> Sequence[str]:
    """The names of the sets that come with the program."""
    folder = resources.files("bot.classify.clip") / "sets"
    return sorted(path.name.removesuffix(".yaml") for path in folder.iterdir() if path.name.endswith(".yaml"))


def read_all(names: Sequence[str]) -> Sequence[LabelFile]:
    """Each as ``read`` has it. Raises ``ConfigError`` too for a label that two of them have, or that none has."""
    files = [read(name) for name in names]
    check(files)
    return files


def read(name: str) -> LabelFile:
    """A set that comes with the program, or a YAML file. Raises ``ConfigError`` with place and remedy."""
    if not is_file(name) and name not in shipped():
        raise ConfigError(f"labels: there is no set {name!r}; there is {', '.join(shipped())}, or a file: NAME.yaml")
    try:
        if is_file(name):
            text = Path(name).read_text(encoding="utf-8")
        else:
            text = (resources.files("bot.classify.clip") / "sets" / f"{name}.yaml").read_text(encoding="utf-8")
        return LabelFile.model_validate(written.read(text, name))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{name}: cannot be read: {error}") from error
    except ValidationError as error:
        raise ConfigError(_explained(name, error)) from error


class Brought(NamedTuple):
    """A label that does not come from a file, and between which values all pictures lie."""

    label: str
    lowest: float
    highest: float


def check(files: Sequence[LabelFile], others: Iterable[Brought] = ()) -> None:
    """Raises ``ConfigError`` for an id that is used twice, and for a combination of labels that are not there, or that
    always hold or never do.
    """
    ranges: dict[str, tuple[float, float]] = {}
    measured = [(label.id, (0.0, 1.0) if label.measure == "contrast" else (-1.0, 1.0)) for label in _labels(files)]
    named = [(one.id, (0.0, 1.0)) for file in files for one in file.combinations]
    for label, values in [*measured, *named, *((one.label, (one.lowest, one.highest)) for one in others)]:
        if label in ranges:
            raise ConfigError(f"labels: the label {label!r} is there twice; give each its own id")
        ranges[label] = values
    for label, _ in named:
        del ranges[label]
    for file in files:
        for combination in file.combinations:
            for term in (*chain.from_iterable(combination.groups), *combination.unless):
                _can_hold(term, ranges, f"{file.id}: {combination.id}")


def _can_hold(term: Term, ranges: Mapping[str, tuple[float, float]], where: str) -> None:
    """``ranges``: of the labels that can be combined. Raises ``ConfigError`` if not, or if nothing else can be."""
    if term.label not in ranges:
        raise ConfigError(f"{where}: there is no label {term.label!r}; name its set in `labels` too")
    lowest, highest = ranges[term.label]
    if lowest < term.at_least <= highest:
        return
    said = f"{where}: {term.label!r} is from {lowest:.3g} to {highest:.3g}, so {term.at_least:g}"
    if term.at_least > highest:
        raise ConfigError(f"{said} never holds; write a value of at most {highest:.3g}")
    raise ConfigError(f"{said} always holds; write a value above {lowest:.3g}")


def prompts_of(files: Iterable[LabelFile]) -> list[str]:
    """Every prompt once, in order."""
    found = [prompt for label in _labels(files) for prompt in (*label.prompts, *label.counter)]
    return list(dict.fromkeys(found))


def _labels(files: Iterable[LabelFile]) -> Iterator[Label]:
    for file in files:
        yield from file.labels


def _both(files: Iterable[LabelFile]) -> Iterator[Label | Combination]:
    for file in files:
        yield from file.labels
        yield from file.combinations


def _explained(name: str, error: ValidationError) -> str:
    lines = [f"{name}: {'1 thing' if error.error_count() == 1 else f'{error.error_count()} things'} to mend"]
    for fault in error.errors(include_url=False, include_input=False, include_context=False):
        place = ".".join(str(part) for part in fault["loc"]) or "(whole file)"
        unknown = fault["type"] == "extra_forbidden"
        message = "is not a known key" if unknown else fault["msg"].removeprefix("Value error, ")
        lines.append(f"  {place}: {message}")
    return "\n".join(lines)


def frames_of(names: Sequence[str]) -> Mapping[str, int]:
    """Labels of these sets and files that want more than one frame of what moves. Raises ``ConfigError``."""
    return {label.id: label.frames for label in _both(read(name) for name in names) if label.frames > 1}


NO_SCORE: Final = {"means", "misses", "frames"}


def canonical(files: Sequence[LabelFile]) -> list[dict[str, Any]]:
    """Everything in them that changes scores, for a digest."""
    return [
        {
            "labels": [label.model_dump(exclude=NO_SCORE) for label in file.labels],
            "combinations": [one.model_dump(exclude=NO_SCORE) for one in file.combinations],
        }
        for file in files
    ]
