"""Finding rows by what clients call them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.sandbox.lemmy.errors import ConstraintError, LemmyError, record_not_found, unknown
from adapters.sandbox.lemmy.state import UNDETERMINED, all_languages

if TYPE_CHECKING:
    from adapters.sandbox.lemmy.calling import Call
    from adapters.sandbox.lemmy.rows import Community, Person, Post
    from adapters.sandbox.lemmy.state import State


def cursor_post(state: State, cursor: str) -> Post:
    """The post that a page cursor stands for: one letter, then its number in hexadecimal."""
    try:
        digits = cursor[1:].removeprefix("+")
        number = int(digits, 16) if digits.isalnum() and digits.isascii() else -1
    except ValueError:
        number = -1
    post = state.posts.get(number)
    if post is None:
        raise unknown("Could not parse pagination token")
    return post


def named_community(call: Call, name: str) -> Community:
    """A community by ``name`` or ``name@server``; the latter is fetched if somebody is logged in."""
    local_name, _, domain = name.partition("@")
    found = call.state.community_by_name(local_name, _domain(call.state, domain))
    if found is None and domain and call.viewer is not None:
        call.server.resolve_remote(f"!{name}")
        found = call.state.community_by_name(local_name, domain)
        if found is None:
            raise _unreachable(name, domain)
    if found is None:
        raise record_not_found()
    return found


def named_person(call: Call, name: str) -> Person:
    """A person by ``name`` or ``name@server``."""
    local_name, _, domain = name.partition("@")
    found = call.state.person_by_name(local_name, _domain(call.state, domain))
    if found is None and domain and call.viewer is not None:
        call.server.resolve_remote(f"@{name}")
        found = call.state.person_by_name(local_name, domain)
        if found is None:
            raise _unreachable(name, domain)
    if found is None:
        raise record_not_found()
    return found


def _unreachable(name: str, domain: str) -> LemmyError:
    """What Lemmy says when it asked another server for somebody, and got no answer."""
    return unknown(f"error sending request for url (http://{domain}/.well-known/webfinger?resource=acct:{name})")


def _domain(state: State, domain: str) -> str | None:
    return None if not domain or domain.lower() == state.host else domain


def default_language(call: Call, community: Community) -> int:
    """The language of a text whose author did not name one."""
    common = call.me.languages & community.languages
    if len(common) == 1:
        return common.pop()
    if len(common) == 2 and UNDETERMINED in common:
        return (common - {UNDETERMINED}).pop()
    return UNDETERMINED


def check_known_languages(languages: list[int] | None, table: str) -> None:
    """Raise ``ConstraintError`` for a language that is none; ``table`` is where it was to be kept."""
    if not set(languages or ()) <= set(range(len(all_languages()))):
        raise ConstraintError(table, "language_id")


def check_language(community: Community, language: int | None) -> None:
    """Raise ``language_not_allowed`` for a language that a community does not use."""
    if language is not None and language not in community.languages:
        raise LemmyError("language_not_allowed")
