"""A place and an author for a picture that nobody posted, so that rules can be tried on it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from bot.domain.content import Account, Alias, Community, MediaRef, Post, RemoteUrl, Role, Sighting
from bot.domain.evidence import Attribution, How
from bot.policy import Facts

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from bot.domain.content import InstanceId, Name
    from bot.domain.evidence import Evidence

HOST = "stand-in.invalid"  # https://www.rfc-editor.org/rfc/rfc2606: nobody's


@dataclass(frozen=True, slots=True, kw_only=True)
class StandIn:
    """Posted a moment ago by whoever uploaded it, who has posted nothing else.

    ``local``: an account of the server ``instance``, and a file on it; otherwise both are another server's.
    """

    instance: InstanceId
    local: bool = True
    account_age: timedelta = timedelta(0)
    role: Role = Role.ATTACHMENT

    def facts(self, scan: Evidence, *, platforms: Mapping[InstanceId, str], now: datetime) -> Facts:
        """What policy would look at."""
        account = Account(
            instance=self.instance,
            local_id="0",
            uri=f"https://{HOST}/u/somebody",
            handle=f"somebody@{HOST}",
            home_host=HOST,
            is_local=self.local,
            created_at=now - self.account_age,
        )
        place = Community(
            instance=self.instance,
            local_id="0",
            uri=f"https://{HOST}/c/somewhere",
            handle=f"somewhere@{HOST}",
            is_local=self.local,
        )
        post = Post(
            instance=self.instance,
            local_id="0",
            uri=f"https://{HOST}/post/0",
            url=f"https://{HOST}/post/0",
            author=account,
            community=place,
        )
        url = f"https://{HOST}/picture"
        name: Name = Alias(instance=self.instance, value="stand-in") if self.local else RemoteUrl(value=url)
        how = How.LISTED if self.local else How.HOSTED_BY_AUTHORS_SERVER
        return Facts(
            evidence=scan,
            attributions={name: Attribution(uploader=account, how=how, subjects=(post.key,))},
            addresses={name: url},
            sightings=[Sighting(subject=post, media=MediaRef(url=url, role=self.role), name=name, seen_at=now)],
            derived=(),
            platforms=platforms,
            backlog=False,
            now=now,
            items={account.uri: 1},
        )
