"""The site: its description, its settings, its emoji; and what other software asks about it."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

from starlette.responses import JSONResponse, Response

from adapters.sandbox.clock import now
from adapters.sandbox.lemmy.applications import accept_everybody, verify_everybody
from adapters.sandbox.lemmy.calling import VERSIONS, Call, route
from adapters.sandbox.lemmy.communities import shown_languages
from adapters.sandbox.lemmy.errors import LemmyError
from adapters.sandbox.lemmy.lookup import check_known_languages
from adapters.sandbox.lemmy.messages.site import BlockInstance, CreateCustomEmoji, EditSite, Nothing
from adapters.sandbox.lemmy.people import moderated
from adapters.sandbox.lemmy.profiles import replaced_picture
from adapters.sandbox.lemmy.rights import require_admin
from adapters.sandbox.lemmy.rows import as_json
from adapters.sandbox.lemmy.site_rows import BlockedUrl, CustomEmoji, Tagline
from adapters.sandbox.lemmy.state import all_languages
from adapters.sandbox.lemmy.text import BODY_LIMIT, check_length, parse_url, units
from adapters.sandbox.lemmy.views import emoji_view, person_counts, person_view
from adapters.sandbox.lemmy.wording import check_slurs, processed

if TYPE_CHECKING:
    from adapters.sandbox.lemmy.rows import Json
    from adapters.sandbox.lemmy.state import State

_CACHE_SECONDS = 1.0
_LOCAL_FIELDS = (
    "enable_downvotes",
    "enable_nsfw",
    "community_creation_admin_only",
    "require_email_verification",
    "private_instance",
    "default_theme",
    "application_email_admins",
    "hide_modlog_mod_names",
    "actor_name_max_length",
    "federation_enabled",
    "captcha_enabled",
    "captcha_difficulty",
    "reports_email_admins",
)
_LOCAL_CHOICES = (
    "default_post_listing_type",
    "default_sort_type",
    "default_post_listing_mode",
)
_LOCAL_TEXTS = ("application_question", "legal_information", "slur_filter_regex")
_BUCKETS = ("message", "post", "register", "image", "comment", "search")


def counts(state: State) -> Json:
    """What of our own is neither removed nor deleted."""
    posts = [post for post in state.posts.values() if post.local and not post.removed and not post.deleted]
    comments = [row for row in state.comments.values() if row.local and not row.removed and not row.deleted]
    communities = [row for row in state.communities.values() if row.local and not row.removed and not row.deleted]
    return {
        "site_id": state.site.id,
        "users": sum(user.accepted_application for user in state.local_users.values()),
        "posts": len(posts),
        "comments": len(comments),
        "communities": len(communities),
        "users_active_day": 0,
        "users_active_week": 0,
        "users_active_month": 0,
        "users_active_half_year": 0,
    }


def _site_view(state: State) -> Json:
    return {
        "site": as_json(state.site),
        "local_site": as_json(state.local_site),
        "local_site_rate_limit": as_json(state.rate_limits),
        "counts": counts(state),
    }


def general_answer(state: State) -> Json:
    """``GetSiteResponse`` without the viewer's part, as it is now."""
    return {
        "site_view": _site_view(state),
        "admins": [person_view(state, person) for person in state.admins()],
        "version": VERSIONS["v3"],
        "all_languages": [
            {"id": number, "code": code, "name": name} for number, (code, name) in enumerate(all_languages())
        ],
        "discussion_languages": sorted(state.site_languages),
        "taglines": [as_json(tagline) for tagline in state.taglines],
        "custom_emojis": [emoji_view(emoji) for emoji in state.emojis.values()],
        "blocked_urls": [as_json(row) for row in state.blocked_urls],
    }


@route("GET", "/api/v3/site")
def get_site(call: Call, _: Nothing) -> Json:
    """All about the site, at most a second old, and about the viewer, fresh."""
    state, server = call.state, call.server
    if server.site_cache is None or time.monotonic() - server.site_cache[0] > _CACHE_SECONDS:
        server.site_cache = (time.monotonic(), general_answer(state))
    general = server.site_cache[1]
    mine = {} if call.viewer is None else {"my_user": _my_user(call)}
    order = ("site_view", "admins", "version")
    return {key: general[key] for key in order} | mine | {key: general[key] for key in general if key not in order}


def _my_user(call: Call) -> Json:
    state, me, person = call.state, call.me, call.person
    own = as_json(person)
    return {
        "local_user_view": {
            "local_user": as_json(me),
            "local_user_vote_display_mode": as_json(state.vote_modes[me.id]),
            "person": own,
            "counts": person_counts(state, person),
        },
        "follows": [
            {"community": as_json(state.communities[community]), "follower": own}
            for community, follower in state.followers
            if follower == person.id
        ],
        "moderates": moderated(call, person),
        "community_blocks": [
            {"person": own, "community": as_json(state.communities[community])}
            for community, who in state.community_blocks
            if who == person.id
        ],
        "instance_blocks": [
            {"person": own, "instance": as_json(state.instances[number])}
            | ({} if number not in state.sites else {"site": as_json(state.sites[number])})
            for number, who in state.instance_blocks
            if who == person.id
        ],
        "person_blocks": [
            {"person": own, "target": as_json(state.people[target])}
            for target, who in state.person_blocks
            if who == person.id
        ],
        "discussion_languages": shown_languages(me.languages),
    }


def set_instance_block(call: Call, form: BlockInstance, blocks: set[tuple[int, int]], *, missing: LemmyError) -> None:
    """Hide a whole server from one's own lists, or show it again; raises ``missing`` if there is no such server."""
    key = (form.instance_id, call.me.person_id)
    if form.instance_id == call.state.site.instance_id:
        raise LemmyError("cant_block_local_instance")
    if not form.block:
        blocks.discard(key)
    elif form.instance_id not in call.state.instances:
        raise missing
    else:
        blocks.add(key)


@route("POST", "/api/v3/site/block", BlockInstance, login=True)
def block_instance(call: Call, form: BlockInstance) -> Json:
    """Hide what is in the communities of another server from one's own lists."""
    missing = LemmyError("instance_block_already_exists")
    set_instance_block(call, form, call.state.instance_blocks, missing=missing)
    return {"blocked": form.block}


def _check_site(call: Call, form: EditSite) -> None:
    state = call.state
    if form.slur_filter_regex:
        try:
            pattern = re.compile(form.slur_filter_regex, re.IGNORECASE)
        except re.error as error:
            raise LemmyError("invalid_regex") from error
        if pattern.search("1"):
            raise LemmyError("permissive_regex")
    if form.name is not None:
        if not form.name:
            raise LemmyError("site_name_required")
        if units(form.name) > 20:
            raise LemmyError("site_name_length_overflow")
        check_slurs(state, form.name)
    if form.description is not None:
        check_length(form.description, 150, "site_description_length_overflow")
        check_slurs(state, form.description)
    if form.default_post_listing_type not in {None, "All", "Local"}:
        raise LemmyError("invalid_default_post_listing_type")
    check_length(form.sidebar, BODY_LIMIT, "invalid_body_field")
    mode = form.registration_mode or state.local_site.registration_mode
    lacks_question = state.local_site.application_question is None and form.application_question is None
    if mode == "RequireApplication" and (lacks_question or form.application_question == ""):
        raise LemmyError("application_question_required")


@route("PUT", "/api/v3/site", EditSite, login=True, locked=False)
def edit_site(call: Call, form: EditSite) -> Json:
    """Change the settings. Lists replace what was there; an empty text takes a value away."""
    state = call.state
    require_admin(call)
    _check_site(call, form)
    check_known_languages(form.discussion_languages, "site_language")
    sidebar = processed(call.server, form.sidebar)
    icon = replaced_picture(call, form.icon, state.site.icon)
    banner = replaced_picture(call, form.banner, state.site.banner)
    with state.lock:
        site, local = state.site, state.local_site
        if form.require_email_verification and not local.require_email_verification:
            verify_everybody(state)
        site.name = site.name if form.name is None else form.name
        site.sidebar = site.sidebar if form.sidebar is None else (sidebar or None)
        site.icon, site.banner = icon, banner
        site.updated = now()
        for name in ("description", "content_warning"):
            if getattr(form, name) is not None:
                setattr(site, name, getattr(form, name) or None)
        for name in _LOCAL_FIELDS:
            if getattr(form, name) is not None:
                setattr(local, name, getattr(form, name))
        for name in _LOCAL_CHOICES:
            if getattr(form, name) is not None:
                setattr(local, name, str(getattr(form, name)))
        for name in _LOCAL_TEXTS:
            if getattr(form, name) is not None:
                setattr(local, name, getattr(form, name) or None)
        if form.registration_mode is not None:
            set_registration_mode(state, str(form.registration_mode))
        local.updated = now()
        for bucket in _BUCKETS:
            count, seconds = getattr(form, f"rate_limit_{bucket}"), getattr(form, f"rate_limit_{bucket}_per_second")
            if count is not None:
                setattr(state.rate_limits, bucket, count)
            if seconds:
                setattr(state.rate_limits, f"{bucket}_per_second", seconds)
        if form.discussion_languages is not None:
            state.site_languages = set(form.discussion_languages) or set(range(len(all_languages())))
        if form.allowed_instances is not None:
            state.allowed_instances = [state.known_instance(domain).id for domain in form.allowed_instances]
        if form.blocked_instances is not None:
            state.blocked_instances = [state.known_instance(domain).id for domain in form.blocked_instances]
        if form.blocked_urls is not None:
            _replace_blocked(state, form.blocked_urls)
        if form.taglines is not None:
            state.taglines = [
                Tagline(id=state.next_id("tagline"), content=content, published=now()) for content in form.taglines
            ]
        return {"site_view": _site_view(state), "taglines": [as_json(tagline) for tagline in state.taglines]}


def set_registration_mode(state: State, mode: str) -> None:
    """Who may register from now on."""
    if mode == "RequireApplication" and state.local_site.registration_mode != mode:
        accept_everybody(state)
    state.local_site.registration_mode = mode


def _replace_blocked(state: State, urls: list[str]) -> None:
    cleaned = []
    for given in urls:
        url = parse_url(given if "://" in given else f"http://{given}")
        cleaned.append(url.split("://", 1)[1].rstrip("/"))
    state.blocked_urls = [
        BlockedUrl(id=state.next_id("blocked_url"), url=url, published=now()) for url in dict.fromkeys(cleaned)
    ]


@route("POST", "/api/v3/custom_emoji", CreateCustomEmoji, login=True)
def create_emoji(call: Call, form: CreateCustomEmoji) -> Json:
    """A custom emoji; only administrators."""
    require_admin(call)
    emoji = CustomEmoji(
        id=call.state.next_id("custom_emoji"),
        shortcode=form.shortcode.lower().strip(),
        image_url=parse_url(form.image_url),
        alt_text=form.alt_text,
        category=form.category,
        published=now(),
        keywords=[keyword.lower().strip() for keyword in form.keywords],
    )
    call.state.emojis[emoji.id] = emoji
    return {"custom_emoji": emoji_view(emoji)}


@route("GET", "/api/v3/federated_instances")
def federated_instances(call: Call, _: Nothing) -> Json:
    """The servers that we know."""
    state = call.state
    if not state.local_site.federation_enabled:
        return {}
    known = {
        instance.id: {
            "id": instance.id,
            "domain": instance.domain,
            "published": as_json(site)["published"],
            "software": "lemmy",
        }
        for instance in state.instances.values()
        for site in (state.sites.get(instance.id, state.site),)
        if instance.domain != state.host
    }
    blocked = [row for number, row in known.items() if number in state.blocked_instances]
    allowed = [row for number, row in known.items() if number in state.allowed_instances and row not in blocked]
    linked = [row for row in known.values() if row not in blocked]
    return {"federated_instances": {"linked": linked, "allowed": allowed, "blocked": blocked}}


@route("GET", "/nodeinfo/2.1", bucket=None)
def nodeinfo(call: Call, _: Nothing) -> Response:
    """What software this is."""
    numbers = counts(call.state)
    body = {
        "version": "2.1",
        "software": {
            "name": "lemmy",
            "version": call.server.version,
            "repository": "https://github.com/LemmyNet/lemmy",
            "homepage": "https://join-lemmy.org/",
        },
        "protocols": ["activitypub"],
        "usage": {
            "users": {"total": numbers["users"], "activeHalfyear": 0, "activeMonth": 0},
            "localPosts": numbers["posts"],
            "localComments": numbers["comments"],
        },
        "openRegistrations": call.state.local_site.registration_mode != "Closed",
        "services": {"inbound": [], "outbound": []},
        "metadata": {},
    }
    return JSONResponse(body, headers={"cache-control": "public, max-age=3600"})


@route("GET", "/.well-known/nodeinfo", bucket=None)
def well_known_nodeinfo(call: Call, _: Nothing) -> Response:
    """Where that is told."""
    link = {"rel": "http://nodeinfo.diaspora.software/ns/schema/2.1", "href": f"{call.state.url}/nodeinfo/2.1"}
    return JSONResponse({"links": [link]}, headers={"cache-control": "public, max-age=259200"})


@route("GET", "/version", bucket=None)
@route("GET", "/nodeinfo/2.0.json", bucket=None)
@route("GET", "/nodeinfo/2.1.json", bucket=None)
def old_nodeinfo(_: Call, __: Nothing) -> Response:
    """Its older addresses."""
    return Response(b"", status_code=307, headers={"location": "/nodeinfo/2.1"})
