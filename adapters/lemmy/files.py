"""Deleting a stored file through Lemmy, for servers whose pict-rs the bot cannot reach: one name at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.outcome import before_deed
from bot.domain.content import Alias
from bot.domain.decisions import AlreadyDone, Done, Offer, Refused, Verification
from bot.domain.errors import NotFoundError

if TYPE_CHECKING:
    from adapters.lemmy.addresses import Addresses
    from adapters.lemmy.client import LemmyClient
    from adapters.public import PublicView
    from bot.domain.decisions import Outcome, PurgeFile

ROUTE = "Lemmy's delete route (this name only; other names of the same bytes stay)"
SINCE = (0, 19, 12)
"""Before, the route wants the delete token that the uploader got: LemmyNet/lemmy 0.19.12, crates/routes/images.rs."""


class Files:
    """Deletes files of one server by name."""

    route = ROUTE
    since = SINCE

    def __init__(self, client: LemmyClient, addresses: Addresses, public: PublicView) -> None:
        """``public``: how the world sees the server of ``client``."""
        self._client = client
        self._addresses = addresses
        self._public = public

    def offers(self, intent: PurgeFile) -> Offer:
        """Files of this server, since 0.19.12."""
        why_not = ""
        if not isinstance(intent.name, Alias) or intent.name.instance != self._addresses.instance:
            why_not = "the file is not stored on this server"
        elif self._client.site(urgent=True).version < self.since:
            why_not = "Lemmy before 0.19.12 deletes no files of others: update it, or configure `pictrs`"
        return Offer(supported=not why_not, reversible=False, route=self.route, why_not=why_not)

    def apply(self, intent: PurgeFile) -> Outcome:
        """Delete the name. Lemmy says yes even where pict-rs said no, so only the public address proves it."""
        assert isinstance(intent.name, Alias)  # noqa: S101 - ``offers`` has said so
        address = self._addresses.address(intent.name)
        if before_deed(lambda: self._public.look(address)).shown is False:
            return AlreadyDone(note="the file is gone already")
        try:
            self._client.delete_file(intent.name.value)
        except NotFoundError:
            return Refused(
                code="no_upload_record",
                note="Lemmy has no record of this file and cannot delete it: configure `pictrs`, or purge it by hand",
            )
        return Done(note=f"by {self.route}")

    def verify(self, intent: PurgeFile) -> Verification:
        """Whether the public still gets it."""
        look = self._public.proof(self._addresses.address(intent.name))
        return Verification(so=None if look.shown is None else not look.shown, detail=look.detail)
