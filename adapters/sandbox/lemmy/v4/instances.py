"""The servers that we know, taglines, and custom emoji."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.sandbox.clock import now
from adapters.sandbox.lemmy import site
from adapters.sandbox.lemmy.messages.site import CreateCustomEmoji
from adapters.sandbox.lemmy.rights import require_admin
from adapters.sandbox.lemmy.site_rows import Tagline
from adapters.sandbox.lemmy.text import matches
from adapters.sandbox.lemmy.v4 import rows
from adapters.sandbox.lemmy.v4.calling import route
from adapters.sandbox.lemmy.v4.cursors import Listing, checked_limit, number
from adapters.sandbox.lemmy.v4.messages.site import CreateTagline, GetFederatedInstances, Page
from adapters.sandbox.lemmy.v4.rows import present

if TYPE_CHECKING:
    from adapters.sandbox.lemmy.calling import Call
    from adapters.sandbox.lemmy.rows import Json
    from adapters.sandbox.lemmy.site_rows import CustomEmoji
    from adapters.sandbox.lemmy.state import Instance

_LIMIT = 20


@route("GET", "/api/v4/federated_instances", GetFederatedInstances, private=True)
def federated_instances(call: Call, form: GetFederatedInstances) -> Json:
    """A page of known servers. Here the lists of blocked and allowed ones are marks on the rows."""
    state = call.state
    blocked, allowed = state.blocked_instances, state.allowed_instances
    wanted = [
        row
        for row in state.instances.values()
        if row.domain != state.host
        and (form.domain_filter is None or matches(form.domain_filter, row.domain))
        and (form.kind != "linked" or row.id not in blocked)
        and (form.kind != "allowed" or row.id in allowed)
        and (form.kind != "blocked" or row.id in blocked)
    ]
    listing: Listing[Instance] = Listing(
        order=lambda row: (row.published.timestamp(), row.id),
        name=lambda row: str(row.id),
        find=lambda text: state.instances.get(number(text)),
    )
    found, around = listing.page(wanted, form.page_cursor, checked_limit(form.limit, _LIMIT))
    items = [
        present(
            instance=rows.instance(row, software="lemmy"),
            site=rows.site(state.sites[row.id]) if row.id in state.sites else None,
            blocked=present(published_at=row.published) if row.id in blocked else None,
            allowed=present(published_at=row.published) if row.id in allowed else None,
        )
        for row in found
    ]
    return {"items": items} | around


def _tagline(row: Tagline) -> Json:
    return present(id=row.id, content=row.content, published_at=row.published, updated_at=row.updated)


@route("POST", "/api/v4/admin/tagline", CreateTagline, login=True)
def create_tagline(call: Call, form: CreateTagline) -> Json:
    """A line for the top of the front page."""
    require_admin(call)
    row = Tagline(id=call.state.next_id("tagline"), content=form.content, published=now())
    call.state.taglines.append(row)
    return {"tagline": _tagline(row)}


@route("GET", "/api/v4/admin/tagline/list", Page)
def list_taglines(call: Call, form: Page) -> Json:
    """A page of them, to anybody; the site itself tells only one."""
    lines = {row.id: row for row in call.state.taglines}
    listing: Listing[Tagline] = Listing(
        order=lambda row: (row.published.timestamp(), row.id),
        name=lambda row: str(row.id),
        find=lambda text: lines.get(number(text)),
    )
    found, around = listing.page(lines.values(), form.page_cursor, checked_limit(form.limit, _LIMIT))
    return {"items": [_tagline(row) for row in found]} | around


def _emoji(row: CustomEmoji) -> Json:
    shown = present(
        id=row.id,
        shortcode=row.shortcode,
        image_url=row.image_url,
        alt_text=row.alt_text,
        category=row.category,
        published_at=row.published,
        updated_at=row.updated,
    )
    keywords = [{"custom_emoji_id": row.id, "keyword": keyword} for keyword in row.keywords]
    return {"custom_emoji": shown, "keywords": keywords}


@route("POST", "/api/v4/custom_emoji", CreateCustomEmoji, login=True)
def create_emoji(call: Call, form: CreateCustomEmoji) -> Json:
    """A custom emoji; only administrators."""
    made = site.create_emoji(call, form)
    return {"custom_emoji": _emoji(call.state.emojis[made["custom_emoji"]["custom_emoji"]["id"]])}


@route("GET", "/api/v4/custom_emoji/list")
def list_emojis(call: Call, _: object) -> Json:
    """All custom emoji."""
    return {"custom_emojis": [_emoji(row) for row in call.state.emojis.values()]}
