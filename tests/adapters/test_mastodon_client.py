from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from mastodon_square import both
from raw_server import answer, serving

from adapters.buckets import Buckets
from adapters.http import Answer, Transport
from adapters.mastodon import errors, limits
from adapters.mastodon.capabilities import Permission
from adapters.mastodon.client import MastodonClient, as_query
from adapters.mastodon.server import Server
from adapters.mastodon.settings import MastodonSettings
from bot.domain.errors import (
    BadAnswerError,
    NotFoundError,
    NotLoggedInError,
    NotPermittedError,
    PlatformError,
    RateLimitedError,
    RejectedError,
    UnreachableError,
)

if TYPE_CHECKING:
    from mastodon_square import Square

TOKEN = "secret-token-of-the-bot"


def client(url: str, token: str = TOKEN, **changes: Any) -> MastodonClient:
    settings = MastodonSettings.model_validate({"id": "main", "url": url, "token": token, **changes})
    return MastodonClient(settings, Transport(url))


def of(square: Square, who: str = "warden", token: str = "bot") -> MastodonClient:  # noqa: S107 - a label
    return client(square.box.url, square.box.people[who].tokens.get(token, token))


def said(status: int, error: str | None, what: str = "GET /api/v1/x", **headers: str) -> PlatformError:
    body = b"<html>" if error is None else json.dumps({"error": error}).encode()
    return errors.error_of(
        Answer(what=what, status=status, headers={k.replace("_", "-"): v for k, v in headers.items()}, body=body)
    )


@pytest.mark.parametrize(
    ("status", "text", "kind", "code"),
    [
        (401, "The access token is invalid", NotLoggedInError, errors.DEAD_TOKEN),
        (401, "The access token was revoked", NotLoggedInError, errors.DEAD_TOKEN),
        (401, "Unauthorized: token not supplied", NotLoggedInError, errors.DEAD_TOKEN),
        (403, "This action is outside the authorized scopes", NotPermittedError, errors.OUTSIDE_SCOPES),
        (403, "Forbidden: token has insufficient scope permission", NotPermittedError, errors.OUTSIDE_SCOPES),
        (403, "This action is not allowed", NotPermittedError, errors.NOT_ALLOWED),
        (403, "Your login is currently disabled", NotLoggedInError, errors.DISABLED),
        (422, "This method requires an authenticated user", NotLoggedInError, errors.NOT_A_PERSON),
        (404, "Record not found", NotFoundError, errors.NOT_FOUND),
        (404, "Not Found", NotFoundError, errors.NOT_FOUND),
        (404, None, NotFoundError, errors.NO_ROUTE),
        (422, "Validation failed: Type is not included in the list", RejectedError, errors.INVALID),
        (400, "Bad Request: cannot report your own account", RejectedError, errors.INVALID),
        (422, None, BadAnswerError, ""),
    ],
)
def test_answers_are_errors_of_their_kind(status: int, text: str | None, kind: type[Exception], code: str) -> None:
    error = said(status, text)
    assert type(error) is kind
    assert error.code == code


def test_the_missing_scope_is_named_by_the_server_or_by_the_call() -> None:
    outside = "This action is outside the authorized scopes"
    header = 'Bearer realm="Doorkeeper", error="insufficient_scope", error_description="Access to this resource '
    newer = said(403, outside, www_authenticate=f'{header}requires scope _write write:reports_."')
    assert "scope `write:reports`" in str(newer)
    older = said(403, outside, "POST /api/v1/admin/accounts/1/action")
    assert "scope `admin:write:accounts`" in str(older)


def test_the_missing_permission_is_named() -> None:
    error = said(403, "This action is not allowed", "DELETE /api/v1/admin/accounts/1")
    assert "Delete User Data" in str(error)


@both
def test_a_dead_token_is_told_from_a_missing_permission(square: Square) -> None:
    """Mastodon answers both with the same 403 where administrators ask."""
    with pytest.raises(NotLoggedInError, match="make a new one"):
        of(square, token="dead-token").get("/api/v1/admin/reports")
    with pytest.raises(NotPermittedError, match="Manage Reports"):
        of(square, "alice", "full").get("/api/v1/admin/reports")
    with pytest.raises(NotPermittedError, match=r"scope `admin:read:reports`"):
        of(square, "admin", "no_admin_scope").get("/api/v1/admin/reports")


def test_mastodon_py_speaks_through_our_client(square: Square) -> None:
    status = square.status()
    library = of(square).reading
    found = library.status(status["id"])
    assert str(found.id) == status["id"]
    assert found.account.acct == "alice"
    assert [str(one.id) for one in library.timeline_public(local=True)] == [status["id"]]


def test_mastodon_py_raises_our_errors_and_nothing_else(square: Square) -> None:
    library = of(square).library
    with pytest.raises(NotFoundError):
        library.status("1")
    with pytest.raises(NotPermittedError, match=r"scope `write:statuses`"):
        library.status_post("x")
    dead = of(square, token="dead-token").library
    with pytest.raises(NotLoggedInError):
        dead.me()


def test_mastodon_py_sends_nothing_twice_and_reads_again() -> None:
    broken, good = answer(503, b"", "text/html"), answer(200, b'{"id": "1", "acct": "a"}')
    with serving(broken, good) as raw:
        assert client(raw.url).reading.account("1")["acct"] == "a"
        assert len(raw.requests) == 2
    with serving(broken) as raw:
        with pytest.raises(UnreachableError) as caught:
            client(raw.url).library.status_favourite("1")
        assert caught.value.sent
        assert len(raw.requests) == 1


def test_the_token_is_in_the_header_and_in_no_text() -> None:
    with serving(answer(500, b"")) as raw:
        made = client(raw.url, host="mastodon.test")
        with pytest.raises(UnreachableError) as caught:
            made.get("/api/v1/statuses/1", {"q": "x"})
    assert f"authorization: bearer {TOKEN}".encode() in raw.requests[0].lower()
    assert b"host: mastodon.test" in raw.requests[0].lower()
    assert b"x-forwarded-proto: https" in raw.requests[0].lower()
    assert TOKEN not in f"{caught.value!r} {made!r} {made.settings!r}"


def test_nobody_is_asked_until_the_window_of_a_limit_ends() -> None:
    reset = (datetime.now(UTC) + timedelta(minutes=7)).isoformat()
    limited = answer(429, b'{"error": "Too many requests"}', X_RateLimit_Reset=reset)
    with serving(limited) as raw:
        made = client(raw.url)
        with pytest.raises(RateLimitedError) as caught:
            made.get("/api/v1/statuses/1")
        assert 400 < caught.value.retry_after <= 420
        with pytest.raises(RateLimitedError):
            made.get("/api/v1/statuses/1")
        with pytest.raises(RateLimitedError):
            made.post("/api/v1/reports", {})
        assert len(raw.requests) == 1


@pytest.mark.parametrize(
    ("method", "minutes", "limit", "deeds_go"),
    [
        ("GET", 14, "300", True),  # no window of a token's is as long
        ("GET", 4, "300", False),  # may be either
        ("GET", 4, "30000", True),
        ("DELETE", 4, "30", True),
    ],
)
def test_deeds_do_not_rest_for_a_limit_that_is_not_theirs(
    method: str, minutes: int, limit: str, deeds_go: bool
) -> None:
    reset = (datetime.now(UTC) + timedelta(minutes=minutes)).isoformat()
    limited = answer(429, b"{}", X_RateLimit_Reset=reset, X_RateLimit_Limit=limit)
    with serving(limited, answer(200, b'{"id": "1"}')) as raw:
        made = client(raw.url)
        path, paged = "/api/v1/statuses/1", {"max_id": "7"}
        refused = [made.listing, made.delete][method == "DELETE"]
        for _ in range(2):  # the second does not reach the server
            with pytest.raises(RateLimitedError):
                refused(path, paged if method == "GET" else None)
        assert len(raw.requests) == 1
        if deeds_go:
            assert made.post("/api/v1/reports", {}) == {"id": "1"}
        else:
            with pytest.raises(RateLimitedError):
                made.post("/api/v1/reports", {})


@pytest.mark.parametrize(("reset", "wanted"), [("2026-11-22T19:25:00.693701Z", 60), ("1795375500", 60), ("soon", 10)])
def test_the_end_of_a_window_is_read_in_both_ways_and_by_the_servers_own_clock(reset: str, wanted: float) -> None:
    limited = answer(429, b"{}", X_RateLimit_Reset=reset, Date="Sun, 22 Nov 2026 19:24:00 GMT")
    with serving(limited) as raw, pytest.raises(RateLimitedError) as caught:
        client(raw.url).get("/api/v1/statuses/1", patient=False)
    assert caught.value.retry_after == pytest.approx(wanted, abs=1)


def test_paged_calls_count_against_their_own_limit_too() -> None:
    assert limits.besides("GET", "/api/v1/timelines/public", {"max_id": "1"}) == limits.PAGING
    assert limits.besides("GET", "/api/v1/timelines/public", {"limit": "40"}) is None
    assert limits.besides("DELETE", "/api/v1/statuses/1", {}) == limits.REMOVALS


@pytest.mark.parametrize(("name", "seconds", "allowed"), [(limits.TOKEN, 300, 300), (limits.PAGING, 900, 300)])
def test_a_whole_window_of_the_servers_holds_what_passes_in_it(name: str, seconds: int, allowed: int) -> None:
    time = 0.0
    buckets = Buckets(longest_wait=0.0, monotonic=lambda: time)
    limits.feed(buckets)
    passed = 0
    while time < seconds:
        try:
            buckets.take(name, urgent=True)
            passed += 1
        except RateLimitedError:
            time += 0.5
    assert allowed * 0.8 < passed <= allowed


def test_a_query_is_written_as_rails_reads_it() -> None:
    assert as_query({"local": True, "id": ["1", 2], "max_id": None, "limit": 40}) == {
        "local": "true",
        "id[]": ["1", "2"],
        "limit": "40",
    }


def test_pages_go_on_where_the_server_says() -> None:
    link = '<https://x/api?limit=2&max_id=7>; rel="next", <https://x/api?min_id=9>; rel="prev"'
    with serving(answer(200, b'[{"id": "8"}]', Link=link)) as raw:
        page = client(raw.url).listing("/api")
    assert page.following == {"limit": "2", "max_id": "7"}
    with serving(answer(200, b"{}")) as raw, pytest.raises(BadAnswerError, match="not a list"):
        client(raw.url).listing("/api")


@both
def test_what_a_server_is_and_what_we_are_there(square: Square) -> None:
    found = Server(of(square)).now()
    assert found.software == "mastodon"
    assert found.mainline
    assert not found.fork_api
    assert not found.plain_delete
    assert found.domain == square.box.state.host
    assert found.streaming == square.box.streaming_url
    assert found.me is not None
    assert found.me.may(Permission.MANAGE_REPORTS)
    assert not found.me.may(Permission.MANAGE_FEDERATION)
    assert found.me.has("admin:write:accounts")
    assert not found.me.has("write:statuses")


def test_a_refused_token_is_part_of_what_is_known(square: Square) -> None:
    server = Server(of(square, token="dead-token"))
    assert server.now().me is None
    with pytest.raises(NotLoggedInError):
        server.me()


def test_staff_are_those_whose_role_may_do_something(square: Square) -> None:
    people = square.box.people
    staff = Server(of(square)).staff()
    assert {people[who].id for who in ("admin", "mod", "warden")} <= staff
    assert people["alice"].id not in staff
    assert Server(of(square, "alice", "full")).staff() == frozenset()


def test_what_was_known_holds_while_the_server_is_away(square: Square) -> None:
    time = 0.0
    server = Server(of(square), monotonic=lambda: time)
    known, staff = server.now(), server.staff()
    square.box.stop()
    time = 10_000.0
    assert server.now() is known
    assert server.staff() == staff
    with pytest.raises(UnreachableError):
        server.now(fresh=True)
    square.box.start()


@pytest.mark.parametrize(
    ("version", "software"),
    [
        ("2.7.2 (compatible; Akkoma 3.13.2)", "akkoma"),
        ("2.7.2 (compatible; Pleroma 2.6.0)", "pleroma"),
        ("3.0.0 (compatible; Sharkey 2025.4.2)", "sharkey"),
        ("4.3.23", "mastodon"),
    ],
)
def test_a_server_without_nodeinfo_is_known_by_what_it_adds_to_its_version(version: str, software: str) -> None:
    instance = json.dumps({"uri": "x.test", "version": version}).encode()
    gone, refused = answer(404, b"", "text/html"), answer(401, b'{"error": "The access token is invalid"}')
    with serving(gone, answer(200, instance), refused, gone) as raw:
        found = Server(client(raw.url)).now()
    assert found.software == software
    assert found.plain_delete is (software != "mastodon")
