"""What an operator writes about a pict-rs."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr

from adapters.http import checked_url


class PictrsSettings(BaseModel):
    """Where pict-rs listens, and the key of its internal API (``PICTRS__SERVER__API_KEY``)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: Annotated[str, AfterValidator(checked_url)]
    api_key: Annotated[SecretStr, Field(min_length=1)]
