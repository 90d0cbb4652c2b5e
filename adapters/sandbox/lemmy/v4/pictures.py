"""Pictures of people, communities and the site: here each has a call to send it and one to take it away."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from adapters.sandbox.lemmy.rights import existing_community, require_admin, require_mod_or_admin
from adapters.sandbox.lemmy.v4.calling import route
from adapters.sandbox.lemmy.v4.images import take_upload
from adapters.sandbox.lemmy.v4.messages.content import CommunityId
from adapters.sandbox.lemmy.v4.purges import forget_aliases
from adapters.sandbox.pictrs.store import AliasNotFoundError

if TYPE_CHECKING:
    from adapters.sandbox.lemmy.calling import Call
    from adapters.sandbox.lemmy.messages.site import Nothing
    from adapters.sandbox.lemmy.rows import Community, Json

_DONE = {"success": True}


def _drop(call: Call, url: str | None) -> None:
    """Delete the file of a picture that is shown no more, if it is our own."""
    if url is None or not url.startswith(call.server.images_url):
        return
    alias = url.rsplit("/", 1)[-1]
    with suppress(AliasNotFoundError):
        call.server.files.delete(alias)
    forget_aliases(call, [alias])


def _replaced(call: Call, old: str | None, side: int) -> tuple[str, Json]:
    alias, url = take_upload(call, side, still=True)
    _drop(call, old)
    return url, {"image_url": url, "filename": alias}


@route("POST", "/api/v4/account/avatar", login=True, locked=False)
def upload_avatar(call: Call, _: Nothing) -> Json:
    """A new picture of oneself."""
    call.person.avatar, answer = _replaced(call, call.person.avatar, call.server.v4.settings.image_max_avatar_size)
    return answer


@route("POST", "/api/v4/account/banner", login=True, locked=False)
def upload_banner(call: Call, _: Nothing) -> Json:
    """A new banner of oneself."""
    call.person.banner, answer = _replaced(call, call.person.banner, call.server.v4.settings.image_max_banner_size)
    return answer


@route("DELETE", "/api/v4/account/avatar", login=True, locked=False)
def delete_avatar(call: Call, _: Nothing) -> Json:
    """No picture of oneself."""
    _drop(call, call.person.avatar)
    call.person.avatar = None
    return _DONE


@route("DELETE", "/api/v4/account/banner", login=True, locked=False)
def delete_banner(call: Call, _: Nothing) -> Json:
    """No banner of oneself."""
    _drop(call, call.person.banner)
    call.person.banner = None
    return _DONE


@route("POST", "/api/v4/site/icon", login=True, locked=False)
def upload_site_icon(call: Call, _: Nothing) -> Json:
    """A new icon of the site."""
    require_admin(call)
    site = call.state.site
    site.icon, answer = _replaced(call, site.icon, call.server.v4.settings.image_max_avatar_size)
    return answer


@route("POST", "/api/v4/site/banner", login=True, locked=False)
def upload_site_banner(call: Call, _: Nothing) -> Json:
    """A new banner of the site."""
    require_admin(call)
    site = call.state.site
    site.banner, answer = _replaced(call, site.banner, call.server.v4.settings.image_max_banner_size)
    return answer


@route("DELETE", "/api/v4/site/icon", login=True, locked=False)
def delete_site_icon(call: Call, _: Nothing) -> Json:
    """No icon of the site."""
    require_admin(call)
    _drop(call, call.state.site.icon)
    call.state.site.icon = None
    return _DONE


@route("DELETE", "/api/v4/site/banner", login=True, locked=False)
def delete_site_banner(call: Call, _: Nothing) -> Json:
    """No banner of the site."""
    require_admin(call)
    _drop(call, call.state.site.banner)
    call.state.site.banner = None
    return _DONE


def _moderated(call: Call, form: CommunityId) -> Community:
    community = existing_community(call.state, form.id)
    require_mod_or_admin(call, community.id)
    return community


@route("POST", "/api/v4/community/icon", CommunityId, login=True, locked=False)
def upload_community_icon(call: Call, form: CommunityId) -> Json:
    """A new icon of a community."""
    community = _moderated(call, form)
    community.icon, answer = _replaced(call, community.icon, call.server.v4.settings.image_max_avatar_size)
    return answer


@route("POST", "/api/v4/community/banner", CommunityId, login=True, locked=False)
def upload_community_banner(call: Call, form: CommunityId) -> Json:
    """A new banner of a community."""
    community = _moderated(call, form)
    community.banner, answer = _replaced(call, community.banner, call.server.v4.settings.image_max_banner_size)
    return answer


# In 1.0.0-beta.1 either call takes the icon away, and neither the banner (crates/routes/src/images/delete.rs).
@route("DELETE", "/api/v4/community/icon", CommunityId, login=True, locked=False)
@route("DELETE", "/api/v4/community/banner", CommunityId, login=True, locked=False)
def delete_community_icon(call: Call, form: CommunityId) -> Json:
    """No icon of a community."""
    community = _moderated(call, form)
    _drop(call, community.icon)
    community.icon = None
    return _DONE
