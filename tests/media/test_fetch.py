from __future__ import annotations

import asyncio
import socket
import ssl
import zlib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpcore
import httpx
import pytest

from bot.domain.evidence import Unscannable, UnscannableKind
from bot.media.fetch import USER_AGENT, HttpFetcher
from bot.ports import Fetched, PrivateHost

from .servers import Server, head, ok, redirect, serving

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
CERTIFICATE = Path(__file__).parent / "certificate.pem"
AUTHORITIES = httpx.create_ssl_context(trust_env=False)  # once, for reading them takes a while
BODY = b"the bytes of a picture" * 100


class FixedClock:
    def now(self) -> datetime:
        return NOW


@pytest.fixture
def dialled(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[str, int]]]:
    """Addresses that a connection was attempted to."""
    seen: list[tuple[str, int]] = []
    real = httpcore.AnyIOBackend.connect_tcp

    async def connect(self: httpcore.AnyIOBackend, host: str, port: int, *rest: Any) -> httpcore.AsyncNetworkStream:
        seen.append((host, port))
        return await real(self, host, port, *rest)

    monkeypatch.setattr(httpcore.AnyIOBackend, "connect_tcp", connect)
    yield seen
    assert all(host == "127.0.0.1" for host, _ in seen)


def fetch(url: str, server: Server | None = None, **options: Any) -> Fetched | Unscannable:
    """With ``server`` as the configured instance's own."""
    options.setdefault("ssl_context", AUTHORITIES)
    options.setdefault("allowed", [PrivateHost(host="127.0.0.1", port=server.port)] if server else [])

    async def run() -> Fetched | Unscannable:
        fetcher = HttpFetcher(clock=FixedClock(), **options)
        try:
            return await fetcher.fetch(url)
        finally:
            await fetcher.aclose()

    return asyncio.run(run())


def names(**table: str) -> Any:
    """A resolver that knows these names (``_`` for a dot) and nothing else."""

    async def resolve(host: str, port: int) -> Sequence[str]:
        try:
            return table[host.replace(".", "_")].split()
        except KeyError:
            raise socket.gaierror(f"{host} is not known") from None

    return resolve


def failed(result: Fetched | Unscannable, kind: UnscannableKind) -> Unscannable:
    assert isinstance(result, Unscannable), result
    assert result.kind is kind, result
    return result


def test_bytes_come_with_their_final_url_and_declared_type(server: Server) -> None:
    server.answers = {"/a": redirect("/b?x=1#part"), "/b?x=1": ok(BODY, kind="image/webp; q=1")}
    result = fetch(f"{server.url}/a", server)
    assert result == Fetched(
        url=f"{server.url}/a", final_url=f"{server.url}/b?x=1", data=BODY, declared_type="image/webp; q=1"
    )


def test_requests_name_the_bot_and_carry_no_credentials_and_no_cookies(server: Server) -> None:
    server.answers = {
        "/a": head(302, "Location: /b", "Set-Cookie: who=you; Path=/", "Content-Length: 0"),
        "/b": ok(BODY),
    }
    url = f"http://name:secret@127.0.0.1:{server.port}/a"
    assert isinstance(fetch(url, server), Fetched)
    assert len(server.requests) == 2
    for request in server.requests:
        assert f"User-Agent: {USER_AGENT}".encode() in request
        assert b"Accept-Encoding: identity" in request
        assert b"authorization" not in request.lower()
        assert b"cookie" not in request.lower()
        assert b"secret" not in request


def test_proxies_of_the_environment_are_not_used(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    server.answers = {"/a": ok(BODY)}
    for variable in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(variable, "http://127.0.0.1:9")
    assert isinstance(fetch(f"{server.url}/a", server), Fetched)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:{port}/",
        "http://127.1:{port}/",
        "http://0x7f.1:{port}/",
        "http://2130706433:{port}/",
        "http://localhost:{port}/",
        "http://LOCALHOST:{port}/",
        "http://[::1]:{port}/",
        "http://[::ffff:127.0.0.1]:{port}/",
        "http://0.0.0.0:{port}/",
        "http://169.254.169.254/latest/meta-data/",
        "http://user@10.0.0.1/",
        "https://192.168.0.1/",
    ],
)
def test_private_addresses_are_not_dialled(url: str, server: Server, dialled: list[tuple[str, int]]) -> None:
    failed(fetch(url.format(port=server.port)), UnscannableKind.FORBIDDEN_ADDRESS)
    assert dialled == []
    assert server.connections == 0


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "ftp://127.0.0.1/x",
        "gopher://127.0.0.1:70/_",
        "unix:///var/run/docker.sock",
        "http:///x",
        "http://",
        "//127.0.0.1/x",
        "/x",
        "",
        "http://[::1",
        "http://[fe80::1%25lo]/",
        "http://a b/",
        "http://127.0.0.1:99999/",
        "http://" + "a" * 300 + ".test/",
        "http://\x00/",
        "data:image/png;base64,AAAA",
    ],
)
def test_what_is_no_web_address_is_refused_or_unreachable(url: str, dialled: list[tuple[str, int]]) -> None:
    result = fetch(url, resolve=names())
    assert isinstance(result, Unscannable)
    assert result.kind in {UnscannableKind.FORBIDDEN_ADDRESS, UnscannableKind.UNREACHABLE}
    assert dialled == []


def test_name_that_resolves_to_a_private_address_is_refused(dialled: list[tuple[str, int]]) -> None:
    table = names(evil_test="10.0.0.7 127.0.0.1 ::1")
    failed(fetch("http://evil.test/x", resolve=table), UnscannableKind.FORBIDDEN_ADDRESS)
    assert dialled == []


def test_system_resolver_is_checked_like_any_other(
    server: Server, dialled: list[tuple[str, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    private = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", server.port))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: private)
    failed(fetch(f"http://evil.test:{server.port}/x"), UnscannableKind.FORBIDDEN_ADDRESS)
    assert dialled == []


def test_private_answers_beside_public_ones_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    async def connect(self: object, host: str, port: int, *rest: object) -> None:
        seen.append(host)
        raise httpcore.ConnectError("not in a test")

    monkeypatch.setattr(httpcore.AnyIOBackend, "connect_tcp", connect)
    table = names(mixed_test="64:ff9b::102:304 10.0.0.1 203.0.114.1 2606:4700::1")
    failed(fetch("http://mixed.test/x", resolve=table), UnscannableKind.UNREACHABLE)
    assert seen == ["203.0.114.1", "2606:4700::1"]


def test_address_that_was_checked_is_the_one_that_is_dialled(server: Server, dialled: list[tuple[str, int]]) -> None:
    asked: list[str] = []

    async def rebinding(host: str, port: int) -> Sequence[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["10.9.9.9"]

    server.answers = {"/x": ok(BODY)}
    url = f"http://own.test:{server.port}/x"
    result = fetch(url, allowed=[PrivateHost(host="OWN.test", port=server.port)], resolve=rebinding)
    assert isinstance(result, Fetched)
    assert asked == ["own.test"]
    assert dialled == [("127.0.0.1", server.port)]
    assert f"Host: own.test:{server.port}".encode() in server.requests[0]


def test_configured_instance_is_allowed_by_host_and_port_only(server: Server, dialled: list[tuple[str, int]]) -> None:
    with serving() as other:
        other.answers = {"/": ok(b"secrets")}
        failed(fetch(f"{other.url}/", server), UnscannableKind.FORBIDDEN_ADDRESS)
        assert other.connections == 0
    assert dialled == []


def test_private_hosts_are_allowed_on_any_port(server: Server) -> None:
    server.answers = {"/": ok(BODY)}
    table = names(media_internal="127.0.0.1")
    result = fetch(f"http://media.internal:{server.port}/", private_hosts=["Media.Internal."], resolve=table)
    assert isinstance(result, Fetched)


@pytest.mark.parametrize(
    "where",
    [
        "http://169.254.169.254/latest/meta-data/",
        "http://127.0.0.1:{other}/",
        "//127.0.0.1:{other}/",
        "http://localhost:{other}/",
        "http://[::1]:{other}/",
        "file:///etc/passwd",
        "ftp://127.0.0.1:{other}/",
    ],
)
@pytest.mark.parametrize("status", [302, 308])
def test_allowed_instance_cannot_redirect_into_the_network(
    where: str, status: int, server: Server, dialled: list[tuple[str, int]]
) -> None:
    with serving() as other:
        other.answers = {"/": ok(b"secrets")}
        server.answers = {"/a": redirect(where.format(other=other.port), status)}
        failed(fetch(f"{server.url}/a", server), UnscannableKind.FORBIDDEN_ADDRESS)
        assert other.connections == 0
    assert dialled == [("127.0.0.1", server.port)]


def test_redirect_loop_ends(server: Server) -> None:
    server.answers = {"/a": redirect("/b"), "/b": redirect("/a")}
    result = failed(fetch(f"{server.url}/a", server), UnscannableKind.UNREACHABLE)
    assert "redirects" in result.detail
    assert server.connections == 6


def test_five_redirects_are_followed(server: Server) -> None:
    server.answers = {f"/{step}": redirect(f"/{step + 1}") for step in range(5)} | {"/5": ok(BODY)}
    assert isinstance(fetch(f"{server.url}/0", server), Fetched)


@pytest.mark.parametrize("status", [404, 410])
def test_missing_file_is_gone_and_not_tried_again(status: int, server: Server) -> None:
    server.answers = {"/": head(status, "Content-Length: 0")}
    assert failed(fetch(f"{server.url}/", server), UnscannableKind.GONE).retry_at is None


@pytest.mark.parametrize("status", [204, 206, 304, 401, 403, 418, 451, 500, 502, 503])
def test_other_refusals_may_pass(status: int, server: Server) -> None:
    server.answers = {"/": head(status, "Content-Length: 0")}
    result = failed(fetch(f"{server.url}/", server), UnscannableKind.UNREACHABLE)
    assert result.retry_at is not None
    assert result.retry_at > NOW


@pytest.mark.parametrize(
    ("header", "wait"),
    [
        ("120", timedelta(seconds=120)),
        ("Sun, 01 Mar 2026 13:00:00 GMT", timedelta(hours=1)),
        ("Sun, 01 Mar 2026 11:00:00 GMT", timedelta(seconds=5)),
        ("99999999999999", timedelta(days=1)),
        ("Sun, 01 Mar 2099 13:00:00 GMT", timedelta(days=1)),
        ("soon", timedelta(seconds=5)),
        ("-5", timedelta(seconds=5)),
        ("\u00b2", timedelta(seconds=5)),
    ],
)
@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_is_respected_within_a_day(status: int, header: str, wait: timedelta, server: Server) -> None:
    server.answers = {"/": head(status, f"Retry-After: {header}", "Content-Length: 0")}
    assert failed(fetch(f"{server.url}/", server), UnscannableKind.UNREACHABLE).retry_at == NOW + wait


def test_refused_connection_may_pass() -> None:
    with serving() as server:
        pass
    result = failed(fetch(f"{server.url}/", server), UnscannableKind.UNREACHABLE)
    assert result.retry_at is not None


def test_unknown_name_may_pass() -> None:
    assert failed(fetch("http://nowhere.test/", resolve=names()), UnscannableKind.UNREACHABLE).retry_at is not None


def test_ten_gigabytes_stop_at_the_limit(server: Server) -> None:
    sent = 0

    def pour(connection: socket.socket) -> None:
        nonlocal sent
        connection.sendall(head(200, "Content-Type: image/png"))
        block = bytes(65536)
        for _ in range(10 * 2**30 // len(block)):
            connection.sendall(block)
            sent += len(block)

    server.answers = {"/": pour}
    failed(fetch(f"{server.url}/", server, max_bytes=300_000), UnscannableKind.TOO_LARGE)
    server.close()  # waits until the server has noticed
    assert sent < 64 * 2**20  # what the sockets hold


def test_announced_length_is_enough_to_refuse(server: Server) -> None:
    server.answers = {"/": head(200, f"Content-Length: {10 * 2**30}") + b"start"}
    failed(fetch(f"{server.url}/", server), UnscannableKind.TOO_LARGE)


def test_body_of_exactly_the_limit_is_whole(server: Server) -> None:
    server.answers = {"/": ok(BODY)}
    result = fetch(f"{server.url}/", server, max_bytes=len(BODY))
    assert isinstance(result, Fetched)
    failed(fetch(f"{server.url}/", server, max_bytes=len(BODY) - 1), UnscannableKind.TOO_LARGE)


def test_endless_chunks_stop_at_the_limit(server: Server) -> None:
    def pour(connection: socket.socket) -> None:
        connection.sendall(head(200, "Transfer-Encoding: chunked"))
        while not server.stopped.is_set():
            connection.sendall(b"10000\r\n" + bytes(65536) + b"\r\n")

    server.answers = {"/": pour}
    failed(fetch(f"{server.url}/", server, max_bytes=300_000), UnscannableKind.TOO_LARGE)


def test_endless_headers_stop(server: Server) -> None:
    def pour(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n")
        while not server.stopped.is_set():
            connection.sendall(b"X-Long: " + b"a" * 8000 + b"\r\n")

    server.answers = {"/": pour}
    failed(fetch(f"{server.url}/", server), UnscannableKind.UNREACHABLE)


@pytest.mark.parametrize("start", [b"", b"HTTP/1.1 200 OK\r\n", head(200, "Content-Length: 1000")])
def test_slow_drip_ends_at_the_deadline(start: bytes, server: Server) -> None:
    def drip(connection: socket.socket) -> None:
        connection.sendall(start)
        while not server.stopped.wait(0.02):
            connection.sendall(b"x")

    server.answers = {"/": drip}
    result = fetch(f"{server.url}/", server, timeout=30, deadline=0.4)
    # Without a status line, what drips may be found to be no HTTP before the time is over.
    assert failed(result, UnscannableKind.UNREACHABLE).retry_at is not None


def test_silence_ends_at_the_time_out(server: Server) -> None:
    def silent(_: socket.socket) -> None:
        server.stopped.wait()

    server.answers = {"/": silent}
    result = failed(fetch(f"{server.url}/", server, timeout=1.0), UnscannableKind.UNREACHABLE)
    assert "ReadTimeout" in result.detail


def test_name_that_never_resolves_ends_at_the_deadline() -> None:
    async def never(host: str, port: int) -> Sequence[str]:
        await asyncio.Event().wait()
        raise AssertionError

    failed(fetch("http://slow.test/", resolve=never, deadline=0.2), UnscannableKind.UNREACHABLE)


@pytest.mark.parametrize(
    "answer",
    [
        head(200, "Content-Length: 1000") + b"only this",
        head(200, "Transfer-Encoding: chunked") + b"5\r\nabcde\r\n",
        head(200, "Content-Encoding: gzip") + zlib.compress(BODY)[:20],
        b"",
        b"HTTP/1.1 200",
        b"not http at all\r\n\r\n",
    ],
)
def test_broken_answers_may_pass(answer: bytes, server: Server) -> None:
    server.answers = {"/": answer}
    assert failed(fetch(f"{server.url}/", server), UnscannableKind.UNREACHABLE).retry_at is not None


def gzipped(data: bytes) -> bytes:
    packer = zlib.compressobj(9, wbits=31)
    return packer.compress(data) + packer.flush()


@pytest.mark.parametrize(("coding", "pack"), [("gzip", gzipped), ("x-gzip", gzipped), ("deflate", zlib.compress)])
def test_compression_that_was_not_asked_for_is_undone(coding: str, pack: Any, server: Server) -> None:
    server.answers = {"/": ok(pack(BODY), f"Content-Encoding: {coding}")}
    result = fetch(f"{server.url}/", server)
    assert isinstance(result, Fetched)
    assert result.data == BODY


def test_gzip_bomb_stops_at_the_limit(server: Server) -> None:
    bomb = gzipped(bytes(50 * 2**20))
    assert len(bomb) < 100_000
    server.answers = {"/": ok(bomb, "Content-Encoding: gzip")}
    failed(fetch(f"{server.url}/", server, max_bytes=100_000), UnscannableKind.TOO_LARGE)


@pytest.mark.parametrize("coding", ["gzip, gzip", "br", "zstd", "x" * 500])
def test_other_and_stacked_compressions_are_not_undone(coding: str, server: Server) -> None:
    server.answers = {"/": ok(gzipped(gzipped(BODY)), f"Content-Encoding: {coding}")}
    result = failed(fetch(f"{server.url}/", server), UnscannableKind.UNREACHABLE)
    assert "content encoding" in result.detail


@pytest.fixture
def secure_server() -> Iterator[Server]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    with serving(context) as server:
        yield server


def trusting() -> ssl.SSLContext:
    context = httpx.create_ssl_context(trust_env=False)
    context.load_verify_locations(CERTIFICATE)
    return context


def test_certificate_is_that_of_the_name_although_the_address_is_dialled(secure_server: Server) -> None:
    secure_server.answers = {"/x": ok(BODY)}
    table = names(files_example_test="127.0.0.1", other_example_test="127.0.0.1")
    port = secure_server.port
    options: dict[str, Any] = {
        "allowed": [PrivateHost(host=f"{name}.example.test", port=port) for name in ("files", "other")],
        "resolve": table,
    }
    url = f"https://files.example.test:{port}/x"
    assert isinstance(fetch(url, **options, ssl_context=trusting()), Fetched)
    failed(fetch(url, **options, ssl_context=None), UnscannableKind.UNREACHABLE)  # nobody vouches for it
    wrong = fetch(f"https://other.example.test:{port}/x", **options, ssl_context=trusting())
    assert "certificate" in failed(wrong, UnscannableKind.UNREACHABLE).detail.lower()


def test_one_fetcher_serves_many_files_at_once(server: Server) -> None:
    server.answers = {f"/{n}": ok(BODY + str(n).encode()) for n in range(40)}
    allowed = [PrivateHost(host="127.0.0.1", port=server.port)]

    async def run() -> list[Fetched | Unscannable]:
        fetcher = HttpFetcher(clock=FixedClock(), allowed=allowed)
        try:
            return await asyncio.gather(*(fetcher.fetch(f"{server.url}/{n}") for n in range(40)))
        finally:
            await fetcher.aclose()

    for number, result in enumerate(asyncio.run(run())):
        assert isinstance(result, Fetched)
        assert result.data == BODY + str(number).encode()


def test_instance_that_is_reached_past_its_name_is_fetched_from_there(
    server: Server, dialled: list[tuple[str, int]]
) -> None:
    server.answers = {"/system/1.png?a=b": ok(BODY)}
    headers = {"Host": "social.example", "X-Forwarded-Proto": "https"}
    at = PrivateHost(host="social.example", port=443, at=server.url, headers=headers)
    allowed = [at, PrivateHost(host="127.0.0.1", port=server.port)]
    resolve = names(**{"127_0_0_1": "127.0.0.1"})
    found = fetch("https://social.example/system/1.png?a=b", allowed=allowed, resolve=resolve)
    assert isinstance(found, Fetched)
    assert (found.data, found.final_url) == (BODY, "https://social.example/system/1.png?a=b")
    sent = server.requests[-1].decode()
    assert sent.startswith("GET /system/1.png?a=b HTTP/1.1\r\n")
    assert "host: social.example\r\n" in sent.lower()
    assert dialled == [("127.0.0.1", server.port)]
