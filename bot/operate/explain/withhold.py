"""Keeps back who reported something.

Whom a case is about (who uploaded, who wrote, who was banned) stands in fields of its own and is named. Everything else
that a server or a human wrote in free words, and what a server said was so before a deed, may name others: somebody who
reported a post, a moderator who resolved that. In those places whatever names an account is taken out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

WITHHELD = "[withheld]"

_ACCOUNT = re.compile(
    r"""
      [a-z][a-z0-9+.-]*://[^\s/<>"']+/(?:@|(?:u|user|users|profile|people|accounts?)/)[^\s<>"',;)]*  # its address
    | (?<![!\w.+%-])(?:acct:|mailto:)?@?[\w.+%-]+@[\w-]+(?:\.[\w-]+)*(?::\d+)?  # name@host; !name@host is a community
    | (?<![\w/])@\w[\w.-]*  # @name
    """,
    re.VERBOSE | re.IGNORECASE,
)
_SOMEBODY = re.compile(
    r"report(er|ed_?by)|creator|resolver|moderator|complain|notif(ier|ied)|flagger|witness|person|account|actor|author|"
    r"user|handle|e?mail|(^|_)(by|who|ip|names?|nick|from)($|_)|comment|reason|content|text|message",
    re.IGNORECASE,
)
"""Keys under which a platform may keep somebody, or somebody's own words."""


def without_accounts(text: str) -> str:
    """A text in which nothing names an account any more."""
    return _ACCOUNT.sub(WITHHELD, text)


def without_people(value: Any, key: str = "") -> Any:
    """JSON values of a server in which nothing names an account, and nothing was written by one."""
    if isinstance(value, Mapping):
        return {without_accounts(str(inner)): without_people(one, str(inner)) for inner, one in value.items()}
    if value is None or isinstance(value, bool):
        return value
    if key and _SOMEBODY.search(key):
        return WITHHELD
    if isinstance(value, list | tuple):
        return [without_people(one) for one in value]
    return without_accounts(value) if isinstance(value, str) else value
