from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest
from raw_server import answer, saying, serving

from adapters.http import TRIES, Transport, checked_url, user_agent
from adapters.public import PublicView
from bot.domain.decisions import STILL_SERVED
from bot.domain.errors import BadAnswerError, PlatformError, RateLimitedError, UnreachableError

if TYPE_CHECKING:
    from raw_server import Script

SECRET = "s3cret-t0ken"
AUTH = {"Authorization": f"Bearer {SECRET}"}
HALF = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"


def closed_port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"http://127.0.0.1:{listener.getsockname()[1]}"


def test_good_answer_and_who_we_are() -> None:
    with serving(answer(200, b'{"a":1}')) as raw:
        assert Transport(raw.url + "/").call("GET", "/x", params={"b": "c d"}).json() == {"a": 1}
    assert raw.requests[0].startswith(b"GET /x?b=c+d HTTP/1.1") or raw.requests[0].startswith(b"GET /x?b=c%20d ")
    assert f"User-Agent: {user_agent()}".lower().encode() in raw.requests[0].lower()
    assert user_agent().startswith("Fediwarden/")


def test_refused_connection_certainly_did_not_reach_the_server() -> None:
    with pytest.raises(UnreachableError, match="cannot be reached") as caught:
        Transport(closed_port()).call("POST", "/x", headers=AUTH)
    assert not caught.value.sent


@pytest.mark.parametrize(
    "script",
    [
        saying(),
        saying(HALF),
        saying(b"nonsense\r\n\r\n"),
        saying(HALF, b"", pause=1.0),
        saying(HALF.replace(b"Content-Type", b"Content-Encoding: gzip\r\nContent-Type"), b"{" * 99),
        answer(500, b"{}"),
        answer(502, b"<html>", "text/html"),
        answer(408),
    ],
    ids=["no answer", "cut", "not http", "stalls", "lying encoding", "500", "502 page", "408"],
)
def test_broken_answers_may_have_been_carried_out(script: Script) -> None:
    with serving(script) as raw, pytest.raises(UnreachableError) as caught:
        Transport(raw.url, timeout=0.3).call("POST", "/x", headers=AUTH)
    assert caught.value.sent
    assert SECRET not in str(caught.value) + repr(caught.value)


def test_answer_that_trickles_is_given_up() -> None:
    with serving(saying(HALF, *[b" "] * 6000, pause=0.1)) as raw, pytest.raises(UnreachableError):
        Transport(raw.url, timeout=0.5, total=0.5).call("GET", "/x")


def test_endless_body_is_not_read() -> None:
    flood = saying(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n", *[b"x" * 65536] * 50)
    with serving(flood) as raw, pytest.raises(BadAnswerError, match="more than"):
        Transport(raw.url).call("GET", "/x", most=100_000)
    with serving(flood) as raw:
        assert len(Transport(raw.url).call("GET", "/x", most=10, whole=False).body) == 10


def test_html_with_a_good_status_is_a_bad_answer() -> None:
    with serving(answer(200, b"<html>hello</html>", "text/html")) as raw:
        got = Transport(raw.url).call("GET", "/x")
    with pytest.raises(BadAnswerError, match="text/html instead of JSON"):
        got.json()


def test_redirect_is_not_followed_with_our_token() -> None:
    with serving(answer(301, b"", Location="http://elsewhere.example/")) as raw, pytest.raises(BadAnswerError):
        Transport(raw.url).call("GET", "/x", headers=AUTH)
    assert len(raw.requests) == 1


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, 10.0),
        ({"Retry_After": "7"}, 7.0),
        ({"Retry_After": "x"}, 10.0),
        ({"X_Ratelimit_Reset": "51"}, 51.0),
        ({"X_Ratelimit_Reset": "0"}, 1.0),
        ({"X_Ratelimit_Reset": "1795374040", "Date": "Sun, 22 Nov 2026 19:00:00 GMT"}, 40.0),
        ({"X_Ratelimit_Reset": "2026-11-22T19:00:40.001644Z", "Date": "Sun, 22 Nov 2026 19:00:00 GMT"}, 40.001644),
    ],
)
def test_429_says_when_to_come_again(headers: dict[str, str], seconds: float) -> None:
    with serving(answer(429, b"<html>", "text/html", **headers)) as raw, pytest.raises(RateLimitedError) as caught:
        Transport(raw.url).call("GET", "/x")
    assert caught.value.retry_after == seconds


@pytest.mark.parametrize("pauses", [True, False])
def test_after_429_all_calls_of_that_limiter_wait_where_a_proxy_says_it(pauses: bool) -> None:
    with serving(answer(429, Retry_After="600"), answer(200, b"{}")) as raw:
        transport = Transport(raw.url, pauses=pauses)
        for limiter in ("message", "search"):
            transport.buckets.feed(limiter, count=100, seconds=60)
        with pytest.raises(RateLimitedError):
            transport.call("GET", "/x", limiter="message")
        assert transport.call("GET", "/x", limiter="search").json() == {}
        if not pauses:
            transport.call("POST", "/y", limiter="message", urgent=True, patient=False)
            return
        with pytest.raises(RateLimitedError) as caught:
            transport.call("POST", "/y", limiter="message", urgent=True, patient=False)
        assert 590 < caught.value.retry_after <= 601
    assert len(raw.requests) == 2


def test_reads_are_tried_again_with_longer_and_longer_naps(no_naps: list[float]) -> None:
    with serving(answer(503), answer(500), saying(), answer(200, b"{}")) as raw:
        transport = Transport(raw.url)
        assert transport.read(lambda: transport.call("GET", "/x")).json() == {}
    assert len(raw.requests) == TRIES == 4
    assert [round(nap // 0.5) >= 2**n for n, nap in enumerate(no_naps)] == [True] * 3


def test_reads_are_given_up_in_the_end() -> None:
    with serving(answer(500)) as raw:
        transport = Transport(raw.url)
        with pytest.raises(UnreachableError):
            transport.read(lambda: transport.call("GET", "/x"))
    assert len(raw.requests) == TRIES


def test_long_waits_are_the_callers() -> None:
    with serving(answer(429, Retry_After="600")) as raw:
        transport = Transport(raw.url)
        with pytest.raises(RateLimitedError):
            transport.read(lambda: transport.call("GET", "/x"))
    assert len(raw.requests) == 1


def test_header_that_cannot_be_sent_stays_out_of_the_message() -> None:
    with serving(answer(200)) as raw, pytest.raises(PlatformError) as caught:
        Transport(raw.url).call("GET", "/x", headers={"Authorization": f"Bearer {SECRET}\n"})
    assert SECRET not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_keeps_the_connection() -> None:
    reply = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"

    def twice(connection: socket.socket) -> None:
        connection.sendall(reply)
        connection.recv(65536)
        connection.sendall(reply)

    with serving(twice) as raw:
        transport = Transport(raw.url)
        transport.call("GET", "/a")
        transport.call("GET", "/b")
    assert len(raw.requests) == 1


def test_environment_proxies_do_not_see_our_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", closed_port())
    with serving(answer(200, b"{}")) as raw:
        assert Transport(raw.url).call("GET", "/x", headers=AUTH).status == 200


@pytest.mark.parametrize(
    "url",
    ["lemmy.example", "ftp://x.example", "http://", "https://u:p@x.example", "https://x.example/?q", "http://x:y"],
)
def test_addresses_that_cannot_be_a_server(url: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        checked_url(url)


@pytest.mark.parametrize(
    ("written", "url"),
    [
        ("https://lemmy.example/", "https://lemmy.example"),
        ("HTTPS://Lemmy.Example:443/", "https://lemmy.example"),
        ("https://b\u00fccher.example", "https://xn--bcher-kva.example"),
        ("http://pict_rs:8080", "http://pict_rs:8080"),
        ("http://[::1]:8536/", "http://[::1]:8536"),
        ("https://own.example/below/", "https://own.example/below"),
    ],
)
def test_address_is_written_as_the_server_writes_it(written: str, url: str) -> None:
    assert checked_url(written) == url


SHOWN, GONE, SILENT = answer(200, b"x", "image/png"), answer(404), answer(403)


@pytest.mark.parametrize(
    ("public", "behind", "shown", "words"),
    [
        (SHOWN, GONE, True, STILL_SERVED),
        (SHOWN, SHOWN, True, "still shows the file"),
        (SHOWN, SILENT, True, "still shows the file"),
        (GONE, GONE, False, "answers 404"),
        (GONE, SHOWN, True, "still shows the file"),  # the cache remembers an absence that is over
        (GONE, SILENT, False, "answers 404"),
    ],
)
def test_gone_is_what_neither_a_cache_nor_the_server_behind_it_shows(
    public: Script, behind: Script, shown: bool | None, words: str
) -> None:
    with serving(public, behind) as raw:
        look = PublicView(Transport(raw.url)).proof("https://other.example/pictrs/image/a.png?x=1")
    assert look.shown is shown
    assert words in look.detail
    assert [request.split(b" ")[1] for request in raw.requests] == [b"/pictrs/image/a.png?x=1"] * 2
    assert b"no-cache" not in raw.requests[0]
    assert b"no-cache" in raw.requests[1]
    assert all(b"bytes=0-0" in request for request in raw.requests)
