"""Accounts as the API shows them: to anybody, to their owner, to the administration."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.sandbox.mastodon.text import day, iso

if TYPE_CHECKING:
    from adapters.sandbox.mastodon.rows import Account, Json, Role
    from adapters.sandbox.mastodon.state import State

_COLLECTIONS = 10  # of featured accounts, since 4.6


def role_view(state: State, role: Role) -> Json:
    """A role with its permissions, which are a number in a string."""
    shown = {
        "id": str(role.id),
        "name": role.name,
        "permissions": str(role.permissions),
        "color": "",
        "highlighted": role.highlighted,
    }
    return shown | ({"collection_limit": _COLLECTIONS} if state.version.newer else {})


def account_view(state: State, account: Account, viewer: Account | None = None) -> Json:
    """An account for anybody. Of a suspended one only the name and the counts are left."""
    return _profile(state, account, viewer) | _badges(account)


def credential_view(state: State, account: Account) -> Json:
    """An account for its owner."""
    user = account.user
    if user is None:
        raise ValueError(f"{account.acct} has no login here")
    source: Json = {
        "privacy": user.privacy,
        "sensitive": user.sensitive,
        "language": user.language,
        "note": account.note,
        "fields": [dict(field) for field in account.fields],
        "follow_requests_count": 0,
        "hide_collections": account.hide_collections,
        "discoverable": account.discoverable,
        "indexable": account.indexable,
    }
    if state.version.newer:
        source |= {"attribution_domains": [], "quote_policy": "public"}
    shown = _profile(state, account, account) | {"source": source} | _badges(account)
    return shown | {"role": role_view(state, user.role)}


def _profile(state: State, account: Account, viewer: Account | None) -> Json:
    newer, gone = state.version.newer, account.suspended
    avatar = _picture(state, "avatars", None if gone else account.avatar)
    header = _picture(state, "headers", None if gone else account.header)
    shown: Json = {
        "id": str(account.id),
        "username": account.username,
        "acct": account.shown_acct,
        "display_name": "" if gone else account.display_name,
        "locked": False if gone else account.locked,
        "bot": False if gone else account.bot,
        "discoverable": False if gone else account.discoverable,
        "indexable": False if gone else account.indexable,
        "group": False,
        "created_at": f"{day(account.created_at)}T00:00:00.000Z",
        "note": "" if gone else account.note,
        "url": account.url,
        "uri": account.uri,
        "avatar": avatar,
        "avatar_static": avatar,
    }
    if newer:
        shown["avatar_description"] = "" if gone else account.avatar_description
    shown |= {"header": header, "header_static": header}
    if newer:
        shown["header_description"] = "" if gone else account.header_description
    shown |= {
        "followers_count": sum(1 for _, whom in state.follows if whom == account.id),
        "following_count": sum(1 for who, _ in state.follows if who == account.id),
        "statuses_count": account.statuses_count,
        "last_status_at": None if account.last_status_at is None else day(account.last_status_at),
        "hide_collections": account.hide_collections,
    }
    if newer:
        shown |= {"show_media": True, "show_media_replies": True, "show_featured": True}
    if account.suspended:
        shown["suspended"] = True
    if account.silenced:
        shown["limited"] = True
    if account.local:
        shown["noindex"] = False
    if newer:
        featured = account.discoverable is True and account.local and not gone
        shown["feature_approval"] = {
            "automatic": ["public"] if featured else [],
            "manual": [],
            "current_user": _may_feature(account, viewer, featured=featured),
        }
    return shown


def _may_feature(account: Account, viewer: Account | None, *, featured: bool) -> str:
    if not account.local:
        # Its own server has said nothing of it.
        return "denied" if viewer is None else "missing"
    return "automatic" if featured and viewer is not None else "denied"


def _badges(account: Account) -> Json:
    shown: Json = {"emojis": []}
    if account.user is not None:
        role = account.user.role
        shown["roles"] = (
            [{"id": str(role.id), "name": role.name, "color": ""}] if role.highlighted and not account.suspended else []
        )
    shown["fields"] = [] if account.suspended else [dict(field) | {"verified_at": None} for field in account.fields]
    return shown


def _picture(state: State, kind: str, path: str | None) -> str:
    return f"{state.url}{path or f'/{kind}/original/missing.png'}"


def admin_account_view(state: State, account: Account, viewer: Account | None = None) -> Json:
    """An account for the administration; of a remote one there is no user to tell about."""
    user = account.user
    return {
        "id": str(account.id),
        "username": account.username,
        "domain": account.domain,
        "created_at": iso(account.created_at),
        "email": None if user is None else user.email,
        "ip": None if user is None else next(iter(reversed(user.sign_ins)), user.sign_up_ip),
        "confirmed": None if user is None else user.confirmed,
        "suspended": account.suspended,
        "silenced": account.silenced,
        "sensitized": account.sensitized,
        "disabled": None if user is None else user.disabled,
        "approved": None if user is None else user.approved,
        "locale": None if user is None else user.locale,
        "invite_request": None if user is None else user.invite_request,
        "ips": None if user is None else [{"ip": ip, "used_at": iso(at)} for ip, at in user.sign_ins.items()],
        "account": account_view(state, account, viewer),
        "role": None if user is None else role_view(state, user.role),
    }
