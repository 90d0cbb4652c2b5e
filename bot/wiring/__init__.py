"""The composition root: settings become objects here, and nowhere else. The only importer of ``adapters``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.wiring.detectors import encoder_variants, open_encoder, open_to_measure
from bot.wiring.house import House
from bot.wiring.rules import asked_by
from bot.wiring.sandboxes import open_sandbox, serve_lemmy, serve_mastodon
from bot.wiring.stores import open_store, open_store_to_look

if TYPE_CHECKING:
    from pathlib import Path

    from bot.ports import Ledger
    from bot.settings import Settings

__all__ = [
    "House",
    "asked_by",
    "build_house",
    "encoder_variants",
    "open_encoder",
    "open_sandbox",
    "open_store",
    "open_store_to_look",
    "open_to_measure",
    "serve_lemmy",
    "serve_mastodon",
]


def build_house(settings: Settings, *, base: Path, ledger: Ledger | None = None) -> House:
    """Everything that the settings describe, with nothing connected or loaded before it is used.

    ``ledger``: another one than the settings name. Raises ``ConfigError`` for instances, detectors and list files that
    cannot be used, ``LedgerError`` for the ledger.
    """
    return House(settings, base, ledger)
