"""A server as it is after its setup: roles, people and their tokens."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import pyotp

from adapters.sandbox.clock import now
from adapters.sandbox.mastodon.notifying import notify
from adapters.sandbox.mastodon.rights import MANAGE_USERS, can
from adapters.sandbox.mastodon.rows import INSTANCE_ACTOR, Account, App, Role, Token, User

if TYPE_CHECKING:
    from adapters.sandbox.mastodon.state import State

OUT_OF_BAND = "urn:ietf:wg:oauth:2.0:oob"
EVERYBODY = Role(id=-99, name="", permissions=65536, position=-1, highlighted=False)
# Name, highlighted, position, permissions in 4.3 and in 4.6: as a server is seeded, with the bot's role added.
_ROLES = (
    ("Moderator", True, 10, 66844, 1115420),
    ("Admin", True, 100, 1048572, 2097148),
    ("Owner", True, 1000, 1048575, 8388607),
    ("Warden", False, 5, 590872, 590872),
)
# In this order: the Owner has the oldest account.
PEOPLE = (
    ("admin", "Owner"),
    ("chief", "Admin"),
    ("mod", "Moderator"),
    ("warden", "Warden"),
    ("alice", None),
    ("bob", None),
    ("carol", None),
    ("dave", None),
    ("erin", None),
    ("frank", None),
    ("grace", None),
    ("heidi", None),
)
_SECOND_FACTOR = {"chief"}
FULL = ("read", "write", "follow", "push", "profile", "admin:read", "admin:write")
BOT = (
    "read:statuses",
    "read:accounts",
    "read:notifications",
    "read:search",
    "profile",
    "write:reports",
    "admin:read:accounts",
    "admin:read:reports",
    "admin:write:accounts",
    "admin:write:reports",
)
# Person, label, scopes: in the order in which the applications are numbered.
_MORE_TOKENS = (
    ("warden", "bot", BOT),
    ("warden", "readonly", ("read",)),
    ("warden", "reports", ("read", "write:reports", "admin:read:reports", "admin:write:reports")),
    ("mod", "bot", BOT),
    ("admin", "no_admin_scope", ("read", "write")),
)
_APP_NAMES = {"no_admin_scope": "noadminscope"}


def seed(state: State) -> dict[str, dict[str, str]]:
    """Fill an empty server. Returns the tokens by person and label."""
    for number, (name, highlighted, position, older, newer) in enumerate(_ROLES, start=1):
        permissions = newer if state.version.newer else older
        state.roles[name] = Role(
            id=number, name=name, permissions=permissions, position=position, highlighted=highlighted
        )
    state.accounts[INSTANCE_ACTOR] = _instance_actor(state)
    for name, role in PEOPLE:
        account = add_account(state, name, role=state.roles[role] if role else EVERYBODY)
        if name in _SECOND_FACTOR and account.user is not None:
            account.user.totp_secret = pyotp.random_base32()
    add_app(state, "Web", FULL)
    tokens = {name: {"full": _token_of(state, name, "full", FULL)} for name, _ in PEOPLE}
    for name, label, scopes in _MORE_TOKENS:
        tokens[name][label] = _token_of(state, name, label, scopes)
    return tokens


def _instance_actor(state: State) -> Account:
    return Account(
        id=INSTANCE_ACTOR,
        username="mastodon.internal",
        domain=None,
        created_at=now(),
        uri=f"{state.url}/actor",
        url=f"{state.url}/about/more?instance_actor=true",
        locked=True,
        bot=True,
    )


def add_account(
    state: State,
    name: str,
    *,
    role: Role = EVERYBODY,
    password: str | None = None,
    approved: bool = True,
    invite_request: str | None = None,
) -> Account:
    """A new local account with a login."""
    number = state.snowflake()
    user = User(
        email=f"{name}@mastodon.test",
        password=password or f"{name}-{secrets.token_urlsafe(12)}",
        role=role,
        approved=approved,
        locale="en" if approved else None,
        invite_request=invite_request,
    )
    account = Account(
        id=number,
        username=name,
        domain=None,
        created_at=now(),
        # Since 4.5 a new account has a number in its address.
        uri=f"{state.url}/ap/users/{number}" if state.version.newer else f"{state.url}/users/{name}",
        url=f"{state.url}/@{name}",
        user=user,
    )
    state.accounts[number] = account
    state.emit("account.created", number)
    return account


def sign_up(state: State, name: str, why: str | None = None, *, approved: bool = False) -> Account:
    """Somebody new, who waits for approval unless the server lets everybody in; those who manage users are told."""
    with state.lock:
        account = add_account(state, name, approved=approved, invite_request=why)
        if approved:
            tell_of(state, account)
        return account


def tell_of(state: State, account: Account) -> None:
    """Tell those who manage users of somebody new."""
    for other in [one for one in state.accounts.values() if can(one, MANAGE_USERS)]:
        notify(state, other, account, "admin.sign_up")


def add_app(
    state: State,
    name: str,
    scopes: tuple[str, ...],
    *,
    website: str | None = None,
    redirect_uris: tuple[str, ...] = (OUT_OF_BAND,),
) -> App:
    """Register a client."""
    number = state.next_id("apps")
    state.apps[number] = App(
        id=number,
        name=name,
        website=website,
        scopes=list(scopes),
        redirect_uris=list(redirect_uris),
        client_id=secrets.token_urlsafe(32),
        client_secret=secrets.token_urlsafe(32),
    )
    return state.apps[number]


def add_token(state: State, app: App, account: Account | None, scopes: tuple[str, ...]) -> Token:
    """A new token of a client, for an account or for itself."""
    token = Token(
        token=secrets.token_urlsafe(32),
        app=app,
        account_id=None if account is None else account.id,
        scopes=list(scopes),
        created_at=now(),
    )
    state.tokens[token.token] = token
    return token


def _token_of(state: State, name: str, label: str, scopes: tuple[str, ...]) -> str:
    account = state.local(name)
    named = f"app-{name}" if label == "full" else f"app-{name}_{_APP_NAMES.get(label, label)}"
    return add_token(state, add_app(state, named, scopes), account, scopes).token
