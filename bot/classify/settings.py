"""What every detector has in common in the configuration."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field


class AfterSettings(BaseModel):
    """Which score of which other detector makes a file worth this one's time."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    detector: str
    label: str
    at_least: Annotated[float, Field(gt=0, le=1)]


class DetectorSettings(BaseModel):
    """One entry of ``detectors``. Each kind adds its own keys in a subclass; an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]*$", description="The name that rules and scores use.")
    kind: str = Field(description="Which detector: a name of the registry.")
    after: AfterSettings | None = Field(default=None, description="Look only at what another detector scored so high.")
    calibration: Path | None = Field(default=None, description="What `fediwarden calibrate` measured.")

    def beside(self, base: Path) -> Self:
        """The same with its relative paths starting from ``base``, the folder of the configuration file."""
        if self.calibration is None:
            return self
        return self.model_copy(update={"calibration": base / self.calibration})
