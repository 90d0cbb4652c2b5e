"""A server as it is after its setup: no accounts, no communities, registration open."""

from __future__ import annotations

import secrets

from adapters.sandbox.clock import now
from adapters.sandbox.lemmy.rows import Person
from adapters.sandbox.lemmy.site_rows import LocalSite, RateLimits, Site
from adapters.sandbox.lemmy.state import Instance, State


def new_state(url: str, *, default_limits: bool) -> State:
    """The tables before anybody has an account."""
    moment = now()
    site = Site(
        id=1,
        name="sandbox",
        published=moment,
        actor_id=f"{url}/",
        last_refreshed_at=moment,
        inbox_url=f"{url}/inbox",
        public_key="-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----\n",
        instance_id=1,
    )
    state = State(
        url=url, site=site, local_site=LocalSite(published=now()), rate_limits=_limits(default_limits=default_limits)
    )
    state.instances[1] = Instance(1, state.host, moment)
    for table in ("site", "instance", "person", "community"):
        state.skip_ids(table, 1)
    return state


def add_system_account(state: State) -> None:
    """The person whom a Lemmy 1.0 keeps for itself, right after the first administrator."""
    person = Person(
        id=state.next_id("person"),
        name=f"lemmy_{secrets.token_urlsafe(10)[:13].replace('-', 'a')}",
        published=now(),
        actor_id="http://changeme.invalid/seq/1",
        local=True,
        bot_account=True,
        instance_id=state.site.instance_id,
    )
    state.people[person.id] = person


def _limits(*, default_limits: bool) -> RateLimits:
    if default_limits:
        return RateLimits(
            message=180,
            message_per_second=60,
            post=6,
            post_per_second=600,
            register=10,
            register_per_second=3600,
            image=6,
            image_per_second=3600,
            comment=6,
            comment_per_second=600,
            search=60,
            search_per_second=600,
            published=now(),
        )
    return RateLimits(
        message=99999,
        message_per_second=60,
        post=9999,
        post_per_second=60,
        register=9999,
        register_per_second=60,
        image=9999,
        image_per_second=60,
        comment=9999,
        comment_per_second=60,
        search=9999,
        search_per_second=60,
        published=now(),
    )
