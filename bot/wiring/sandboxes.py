"""Small servers to try the bot on."""

from __future__ import annotations

from typing import Any

from bot.domain.errors import ConfigError


def open_sandbox(platform: str, **options: Any) -> Any:
    """A small real server of a platform on 127.0.0.1, as a context manager. Raises ``ConfigError``.

    ``options``: of the sandbox; see there.
    """
    if platform == "mastodon":
        from adapters.sandbox.mastodon import MastodonSandbox

        return MastodonSandbox(**options)
    if platform != "lemmy":
        raise ConfigError(f"there is no sandbox for {platform!r}; there are: lemmy, mastodon")
    from adapters.sandbox.lemmy import LemmySandbox

    return LemmySandbox(**options)


def serve_lemmy(version: str, *, port: int, default_limits: bool) -> None:
    """Run a sandbox Lemmy until the process is told to stop. Raises ``ConfigError`` for an unknown version."""
    from adapters.sandbox.lemmy import VERSIONS, serve

    if version not in VERSIONS:
        raise ConfigError(f"there is no sandbox of Lemmy {version!r}; there are: {', '.join(VERSIONS)}")
    serve(port=port, default_limits=default_limits, version=version)


def serve_mastodon(version: str, *, port: int, webhook: str | None, default_limits: bool) -> None:
    """Run a sandbox Mastodon until the process is told to stop.

    Raises ``ConfigError`` for an unknown version, and for a webhook that leads away from this machine.
    """
    from adapters.sandbox.loopback import is_loopback
    from adapters.sandbox.mastodon import VERSIONS, serve

    if version not in VERSIONS:
        raise ConfigError(f"there is no sandbox of Mastodon {version!r}; there are: {', '.join(VERSIONS)}")
    if webhook is not None and not is_loopback(webhook):
        raise ConfigError(f"--webhook {webhook}: the sandbox calls this machine only, as in http://127.0.0.1:8000/")
    serve(VERSIONS[version].name, port, default_limits=default_limits, webhook_url=webhook)
