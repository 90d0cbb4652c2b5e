"""What every detector has in common in the configuration."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class DetectorSettings(BaseModel):
    """One entry of ``detectors``. Each kind adds its own keys in a subclass; an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]*$", description="The name that rules and scores use.")
    kind: str = Field(description="Which detector: a name of the registry.")
