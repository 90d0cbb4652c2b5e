"""The servers that we know, taglines, and custom emoji."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.sandbox.clock import now
from adapters.sandbox.lemmy import site
from adapters.sandbox.lemmy.errors import ConstraintError, LemmyError
from adapters.sandbox.lemmy.messages.site import BlockInstance, CreateCustomEmoji
from adapters.sandbox.lemmy.rights import check_not_banned, expiry, require_admin
from adapters.sandbox.lemmy.site_rows import Tagline
from adapters.sandbox.lemmy.text import matches
from adapters.sandbox.lemmy.v4 import rows
from adapters.sandbox.lemmy.v4.calling import route
from adapters.sandbox.lemmy.v4.cursors import Listing, checked_limit, number
from adapters.sandbox.lemmy.v4.errors import CausedError
from adapters.sandbox.lemmy.v4.messages.site import (
    AdminAllowInstance,
    AdminBlockInstance,
    CreateTagline,
    GetFederatedInstances,
    Page,
)
from adapters.sandbox.lemmy.v4.modlog import write
from adapters.sandbox.lemmy.v4.rows import present

if TYPE_CHECKING:
    from datetime import datetime

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
    return {"items": [_view(call, row) for row in found]} | around


def _view(call: Call, row: Instance) -> Json:
    """``FederatedInstanceView``."""
    state, tables = call.state, call.server.v4

    def since(act: str) -> datetime:
        return tables.moments.get((act, row.id, 0), row.published)

    block = present(published_at=since("block_instance"), expires_at=tables.block_ends.get(row.id))
    return present(
        instance=rows.instance(row, software="lemmy" if row.id in state.sites else None),
        site=rows.site(state.sites[row.id]) if row.id in state.sites else None,
        blocked=block if row.id in state.blocked_instances else None,
        allowed=present(published_at=since("allow_instance")) if row.id in state.allowed_instances else None,
    )


def _change(call: Call, domain: str, listed: list[int], other: list[int], act: str, *, add: bool) -> Instance:
    """Put a server on one of the two lists, or take it off. There can be one list only, and no server twice on it."""
    require_admin(call)
    if other:
        raise LemmyError("cannot_combine_federation_blocklist_and_allowlist")
    row = call.state.known_instance(domain)
    if not add:
        listed[:] = [number for number in listed if number != row.id]
    elif row.id in listed:
        table = "federation_blocklist" if act == "block_instance" else "federation_allowlist"
        cause = f'duplicate key value violates unique constraint "{table}_pkey"'
        raise CausedError("couldnt_create", cause)
    else:
        listed.append(row.id)
        call.server.v4.did(act, row.id, 0)
    return row


@route("POST", "/api/v4/admin/instance/block", AdminBlockInstance, login=True)
def block_instance(call: Call, form: AdminBlockInstance) -> Json:
    """Listen to a server no longer, or again; where servers are chosen one by one, none is blocked."""
    require_admin(call)
    state, ends = call.state, expiry(form.expires_at)
    row = _change(
        call, form.instance, state.blocked_instances, state.allowed_instances, "block_instance", add=form.block
    )
    call.server.v4.block_ends.pop(row.id, None)
    if form.block and ends is not None:
        call.server.v4.block_ends[row.id] = ends
    me = call.me.person_id
    write(call.server, me, "admin_block_instance", done=form.block, reason=form.reason, instance_id=row.id)
    return _view(call, row)


@route("POST", "/api/v4/admin/instance/allow", AdminAllowInstance, login=True)
def allow_instance(call: Call, form: AdminAllowInstance) -> Json:
    """Listen to a server, and to no other that is not allowed too."""
    state = call.state
    row = _change(
        call, form.instance, state.allowed_instances, state.blocked_instances, "allow_instance", add=form.allow
    )
    me = call.me.person_id
    write(call.server, me, "admin_allow_instance", done=form.allow, reason=form.reason, instance_id=row.id)
    return _view(call, row)


@route("POST", "/api/v4/account/block/instance/communities", BlockInstance, login=True)
def block_communities_of(call: Call, form: BlockInstance) -> Json:
    """Hide the communities of a server from one's own lists, but those that one follows."""
    check_not_banned(call)
    site.set_instance_block(call, form, call.state.instance_blocks, missing=_no_instance())
    return {"success": True}


@route("POST", "/api/v4/account/block/instance/persons", BlockInstance, login=True)
def block_people_of(call: Call, form: BlockInstance) -> Json:
    """Hide what people of a server wrote from one's own lists."""
    site.set_instance_block(call, form, call.state.instance_people_blocks, missing=_no_instance())
    return {"success": True}


def _no_instance() -> LemmyError:
    return CausedError("already_exists", str(ConstraintError("instance_actions", "instance_id").message))


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
