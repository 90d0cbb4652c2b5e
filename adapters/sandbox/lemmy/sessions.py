"""Tokens: signed like Lemmy's, and good as long as the server remembers them."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import TYPE_CHECKING

from adapters.sandbox.clock import now
from adapters.sandbox.lemmy.rows import LocalUser, LoginToken

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from starlette.requests import HTTPConnection

    from adapters.sandbox.lemmy.state import State


class SameTokenError(Exception):
    """There is such a token already: the database takes no second one, and says so."""

    def __init__(self) -> None:
        super().__init__('duplicate key value violates unique constraint "login_token_pkey"')


def sent_token(request: HTTPConnection) -> str | None:
    """The token of the ``Authorization`` header, or else of the cookie ``jwt``."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme == "Bearer" and token:
        return token
    return request.cookies.get("jwt")


def log_in(
    state: State,
    user: LocalUser,
    *,
    address: str | None = None,
    user_agent: str | None = None,
    exp: int | None = None,
    issued: datetime | None = None,
) -> str:
    """A new token for an account; ``exp``, in Unix seconds, is when 1.0 lets it end. ``issued``: now.

    Nothing but the second tells an account's tokens apart. Raises ``SameTokenError`` for the second one of a second.
    """
    issued = issued or now()
    claims: dict[str, object] = {"sub": str(user.id), "iss": state.host, "iat": int(issued.timestamp())}
    if exp is not None:
        claims["exp"] = exp
    signed = f"{_part({'typ': 'JWT', 'alg': 'HS256'})}.{_part(claims)}"
    signature = hmac.new(state.secret, signed.encode(), hashlib.sha256).digest()
    token = f"{signed}.{_base64(signature)}"
    if token in state.tokens:
        raise SameTokenError
    state.tokens[token] = LoginToken(
        token=token, user_id=user.id, published=issued, ip=address, user_agent=user_agent, exp=exp
    )
    return token


def viewer_of(state: State, token: str | None, *, banned_too: bool = False) -> LocalUser | None:
    """The account of a token, unless it is banned, deleted or logged out, or its time is over."""
    row = None if token is None else state.tokens.get(token)
    if row is None or (row.exp is not None and row.exp <= now().timestamp()):
        return None
    user = next((user for user in state.local_users.values() if user.id == row.user_id), None)
    if user is None:
        return None
    person = state.people[user.person_id]
    return None if (person.banned and not banned_too) or person.deleted else user


def log_out_everywhere(state: State, user: LocalUser) -> None:
    """Forget every token of an account."""
    state.tokens = {token: row for token, row in state.tokens.items() if row.user_id != user.id}


def _part(value: Mapping[str, object]) -> str:
    return _base64(json.dumps(value, separators=(",", ":")).encode())


def _base64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")
