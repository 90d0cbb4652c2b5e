"""What ``fediwarden calibrate`` measured on the operator's own pictures, for one revision of a detector."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bot.classify.false_alarms import pictures_needed
from bot.domain.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

Preset = Literal["strict", "balanced", "lenient"]

RATES: Final[Mapping[Preset, float]] = {"strict": 0.01, "balanced": 0.001, "lenient": 0.0001}
"""The share of harmless pictures that a preset flags at most: strict flags most, and is wrong most often."""

Value = Annotated[float, Field(gt=0, le=1)]


class Calibration(BaseModel):
    """The file. Other keys, for people and reports, may stand beside these."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    format: Literal[1] = Field(alias="schema")
    detector: str
    revision: str
    pictures: Annotated[int, Field(ge=1)]
    thresholds: dict[str, dict[Preset, Value | None]]  # label to preset; None: too few pictures to tell

    @property
    def enough(self) -> bool:
        """Whether it was measured on as many pictures as the widest preset needs; fewer tell nothing of any rate."""
        return self.pictures >= pictures_needed(RATES["strict"])

    def at(self, label: str, preset: Preset) -> float:
        """The threshold for a preset. Raises ``ConfigError`` where that was not measured."""
        found = self.thresholds.get(label, {}).get(preset)
        if found is None:
            needed = pictures_needed(RATES[preset])
            if label not in self.thresholds:
                why = "was not calibrated"
            elif self.pictures < needed:
                why = f"needs {needed} pictures, and there were {self.pictures}"
            else:
                why = "cannot be had: too many of the pictures have the highest value"
            raise ConfigError(f"the preset {preset} for {label!r} {why}; run `fediwarden calibrate` again")
        return found


def read_calibration(path: Path) -> Calibration:
    """Raises ``ConfigError`` for a file that is missing or was not written by ``fediwarden calibrate``."""
    try:
        return Calibration.model_validate_json(path.read_bytes())
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}; `fediwarden calibrate` writes it") from error
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in problem["loc"])
        raise ConfigError(f"{path}: {place}: {problem['msg']}; run `fediwarden calibrate` again") from error
