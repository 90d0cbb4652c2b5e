"""What an operator writes about a Lemmy server."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, model_validator

from adapters.http import checked_url


class LemmySettings(BaseModel):
    """One server and the bot's account there.

    ``public_url`` is wanted only where the bot reaches the server under another address than the world does.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    platform: Literal["lemmy"] = "lemmy"
    id: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")]
    url: Annotated[str, AfterValidator(checked_url)]
    public_url: Annotated[str, AfterValidator(checked_url)] | None = None
    username: Annotated[str, Field(min_length=1)]
    password: SecretStr | None = None
    token: SecretStr | None = None
    totp_secret: SecretStr | None = None
    token_file: Path | None = None

    @model_validator(mode="after")
    def _can_log_in(self) -> LemmySettings:
        if self.password is None and self.token is None:
            raise ValueError("give `password` (and `totp_secret` where two-factor login is on) or `token`")
        return self

    @property
    def public(self) -> str:
        """The address under which the world sees the server: images have it in their URLs."""
        return self.public_url or self.url
