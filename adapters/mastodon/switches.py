"""Federation with one other server, off and on, by its domain block. Nothing else of a server is turned by its API.

"Off" limits the other server, as a moderator would (``silence``): it is taken back without loss. A suspension of the
whole server deletes what was here of its accounts (app/services/block_domain_service.rb), and has to be asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, assert_never
from urllib.parse import urlsplit

from adapters.mastodon.capabilities import Permission
from adapters.mastodon.deed_settings import Severity
from adapters.outcome import before_deed
from bot.domain.decisions import AlreadyDone, Done, Offer, Refused, Switch, Verification
from bot.domain.errors import BadAnswerError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from adapters.mastodon.client import MastodonClient
    from adapters.mastodon.server import Server
    from bot.domain.decisions import Outcome, SetSwitch

BLOCKS = "/api/v1/admin/domain_blocks"
PAGE = 200
PAGES = 50

COMMENT = "Automated check"
"""Told to moderators only, so that they know whose block it is."""

_FIELDS = ("severity", "reject_media", "reject_reports", "private_comment", "public_comment", "obfuscate")
_RANK = {"noop": 0, "silence": 1, "suspend": 2}
_NOT_BY_API = {
    Switch.REGISTRATION: "Mastodon's API does not change who may register: Administration, Server settings does",
    Switch.UPLOADS: "Mastodon has no switch for uploads: have the proxy in front of it refuse POST /api/v2/media",
}
_WORDS = {Severity.SILENCE: "limited", Severity.SUSPEND: "suspended"}


class Switches:
    """Domain blocks of one server."""

    def __init__(self, client: MastodonClient, server: Server) -> None:
        """Both of the same server."""
        self._client = client
        self._server = server
        self._severity = client.settings.domain_block

    def offers(self, intent: SetSwitch) -> Offer:
        """Federation, where role and token may. Raises ``PlatformError``."""
        why_not = self._why_not(intent)
        lasting = intent.switch is Switch.FEDERATION and intent.value == "off" and self._severity is Severity.SUSPEND
        return Offer(supported=not why_not, reversible=not lasting, route="domain block", why_not=why_not)

    def apply(self, intent: SetSwitch) -> Outcome:
        """Turn it, unless it is so already."""
        block = before_deed(lambda: self._block(intent.host))
        if intent.value == "on":
            if block is None:
                return AlreadyDone(note=f"{intent.host} is not blocked")
            self._client.delete(f"{BLOCKS}/{block['id']}")
            return Done(note=f"{intent.host} is not blocked any more")
        if self._fulfils(block):
            return AlreadyDone(note=f"{intent.host} is {_WORDS[self._severity]} already, or more than that")
        if block is None:
            body = {"domain": intent.host, "severity": self._severity.value, "private_comment": COMMENT}
            self._client.post(BLOCKS, body)
        else:
            self._client.put(f"{BLOCKS}/{block['id']}", {"severity": self._severity.value})
        return Done(note=f"{intent.host} is {_WORDS[self._severity]}")

    def verify(self, intent: SetSwitch) -> Verification:
        """How it stands."""
        if intent.switch is not Switch.FEDERATION:
            return Verification(so=None, detail=_NOT_BY_API[intent.switch])
        block = self._block(intent.host)
        so = block is None if intent.value == "on" else self._fulfils(block)
        severity = block["severity"] if block is not None else None
        detail = f"{intent.host} is not blocked" if block is None else f"{intent.host} is blocked ({severity})"
        kept = {field: block.get(field) for field in _FIELDS} if block is not None else None
        return Verification(so=so, detail=detail, state={"block": kept})

    def revert(self, intent: SetSwitch, before: Mapping[str, Any]) -> Outcome:
        """As it was, in every field that a block has."""
        if intent.switch is not Switch.FEDERATION or "block" not in before:
            return Refused(code="unknown_before", note="nobody knows how it was before")
        was, block = before["block"], before_deed(lambda: self._block(intent.host))
        if was is None:
            if block is None:
                return AlreadyDone(note=f"{intent.host} is not blocked")
            self._client.delete(f"{BLOCKS}/{block['id']}")
            return Done(note=f"{intent.host} is not blocked any more")
        if block is None:
            given = {field: value for field, value in was.items() if value is not None}
            self._client.post(BLOCKS, {"domain": intent.host, **given})
        elif changed := {field: value for field, value in was.items() if block.get(field) != value}:
            self._client.put(f"{BLOCKS}/{block['id']}", changed)
        else:
            return AlreadyDone(note=f"{intent.host} is blocked as before")
        return Done(note=f"{intent.host} is blocked as before ({was.get('severity')})")

    def _why_not(self, intent: SetSwitch) -> str:
        match intent.switch:
            case Switch.REGISTRATION | Switch.UPLOADS:
                return _NOT_BY_API[intent.switch]
            case Switch.FEDERATION:
                return self._no_federation(intent)
            case _:
                assert_never(intent.switch)

    def _no_federation(self, intent: SetSwitch) -> str:
        if intent.value not in {"on", "off"}:
            return f"federation is on or off; not {intent.value!r}"
        if not intent.host or intent.host == urlsplit(self._client.settings.public).netloc.lower():
            return "it needs the name of another server"
        caps = self._server.now(urgent=True)
        if not caps.mainline:
            return f"{caps.software} has no domain blocks by Mastodon's API"
        me = self._server.me(urgent=True)
        if not me.may(Permission.MANAGE_FEDERATION):
            return "the role of the bot's account lacks the permission Manage Federation"
        lacking = [scope for scope in _SCOPES if not me.has(scope)]
        return f"the token lacks {' and '.join(f'`{scope}`' for scope in lacking)}" if lacking else ""

    def _fulfils(self, block: Mapping[str, Any] | None) -> bool:
        return block is not None and _RANK.get(str(block["severity"]), 0) >= _RANK[self._severity.value]

    def _block(self, host: str) -> dict[str, Any] | None:
        query: dict[str, Any] = {"limit": PAGE}
        for _ in range(PAGES):
            page = self._client.listing(BLOCKS, query, urgent=True)
            try:
                found = next((row for row in page.rows if str(row["domain"]).lower() == host.lower()), None)
                if found is not None:
                    _ = found["id"], found["severity"]
                    return dict(found)
            except (KeyError, TypeError) as error:
                raise BadAnswerError("a domain block is not in the shape of Mastodon's") from error
            if page.following is None or len(page.rows) < PAGE:
                return None
            query = {"limit": PAGE, **page.following}
        return None


_SCOPES = ("admin:read:domain_blocks", "admin:write:domain_blocks")
