"""The configuration of a bot that watches a Mastodon, by its webhook where it has one."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import yaml

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

RULES = [
    {
        "id": "listed",
        "when": {"lists": ["bad"]},
        "then": ["report", "remove", "mark_sensitive", "limit_account", "ban_account"],
    }
]


def write_mastodon_config(folder: Path, server: Mapping[str, Any], **changes: Any) -> Path:
    """A configuration that may do everything, with one list. ``server``: keys of the instance."""
    settings = {
        "schema": 1,
        "ledger": "sqlite:///ledger.db",
        "stage": "enforce",
        "irreversible": ["remove"],
        "poll_every": "1s",
        "instances": [{"id": "main", "platform": "mastodon", **server}],
        "lists": [{"id": "bad", "mode": "block"}],
        "rules": RULES,
    }
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump({**settings, **changes}), encoding="utf-8")
    return path


def only_webhook(url: str, secret: str) -> dict[str, Any]:
    """What is pushed and nothing else: looks at timelines every second would use up a token's calls."""
    address = urlsplit(url)
    return {
        "webhook": {"listen": f"{address.hostname}:{address.port}", "path": address.path, "secret": secret},
        "feeds": {"local": "none", "remote": "none"},
        "streaming": {"enabled": False},
        "sweeps": {"per_hour": 0},
    }


def free_hook() -> str:
    """An address on this machine that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}/mastodon"
