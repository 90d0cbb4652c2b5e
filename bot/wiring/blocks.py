"""Entries of the settings that adapters read: instances, and channels to the operators."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bot.domain.errors import ConfigError
from bot.settings import explain

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import timedelta
    from pathlib import Path

    from adapters.registry import Platform
    from bot.clock import SystemClock
    from bot.ports import Channel, Inbox, Instance
    from bot.settings import Settings


def open_channel(number: int, block: Mapping[str, Any], base: Path) -> Channel:
    """An entry of ``notify``. Raises ``ConfigError``."""
    from pydantic import ValidationError

    from adapters.notify.registry import CHANNELS, build_channel

    where = f"notify.{number}"
    kind = CHANNELS.get(str(block.get("kind")))
    if kind is None:
        raise ConfigError(f"{where}: `kind` is {block.get('kind')!r}; there is: {', '.join(CHANNELS)}")
    trusted = {"ca_file": base / str(block["ca_file"])} if block.get("ca_file") else {}
    try:
        settings = kind.settings.model_validate({**block, **trusted})
    except ValidationError as error:
        raise ConfigError(explain(error, where)) from None
    return build_channel(str(block["kind"]), settings)


def open_instance(
    number: int, block: Mapping[str, Any], base: Path, clock: SystemClock, start_from: timedelta | None, inbox: Inbox
) -> Instance:
    """An entry of ``instances``. Raises ``ConfigError``."""
    platform, settings = _instance_settings(number, block, base)
    return platform.build(settings, clock, start_from, inbox)


def check_blocks(settings: Settings, base: Path) -> None:
    """Raises ``ConfigError`` for instances and detectors that nobody could start with."""
    from bot.classify.registry import read_settings

    for number, block in enumerate(settings.instances):
        _instance_settings(number, block, base)
    for block in settings.detectors:
        read_settings(block)


def _instance_settings(number: int, block: Mapping[str, Any], base: Path) -> tuple[Platform, Any]:
    from pydantic import ValidationError

    from adapters.registry import PLATFORMS

    where = f"instances.{number}"
    platform = PLATFORMS.get(str(block.get("platform")))
    if platform is None:
        raise ConfigError(f"{where}: `platform` is {block.get('platform')!r}; there is: {', '.join(PLATFORMS)}")
    placed = _placed(block, base)
    if "token_file" in platform.settings.model_fields:
        # A token that is kept between runs saves a login, and servers count those.
        placed.setdefault("token_file", base / f"{block.get('id')}.token")
    web = (placed.get("removal") or {}).get("web") if isinstance(placed.get("removal"), dict) else None
    if isinstance(web, dict):
        web.setdefault("session_file", base / f"{block.get('id')}.session")  # for the same reason
    try:
        return platform, platform.settings.model_validate(placed)
    except ValidationError as error:
        raise ConfigError(explain(error, where)) from None


def _placed(block: Mapping[str, Any], base: Path) -> dict[str, Any]:
    """With the paths of files, which start from the folder of the configuration."""
    return {
        key: base / one
        if key.endswith("_file") and isinstance(one, str) and one
        else _placed(one, base)
        if isinstance(one, dict)
        else one
        for key, one in block.items()
        if not (key.endswith("_file") and not one)
    }
