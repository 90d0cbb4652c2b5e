"""Connections to addresses that were checked, and to no others."""

from __future__ import annotations

import asyncio
import socket
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

import httpcore
import httpx

from bot.media.addresses import is_public

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence

    from bot.ports import PrivateHost

Resolve: TypeAlias = "Callable[[str, int], Awaitable[Sequence[str]]]"
"""Host name and port to the text of its addresses, in the order to try them. Raises ``OSError``."""

RESOLVED_AT_ONCE = 16
ADDRESSES_TRIED = 4
"""Addresses of one name that are tried before the host counts as unreachable."""


class ForbiddenAddressError(Exception):
    """A name leads only to addresses that the bot must not call."""


class SystemResolver:
    """What the operating system says. Odd spellings (``127.1``, ``0x7f000001``) come out as plain addresses.

    In threads of its own: names whose servers never answer must not occupy those that the rest of the bot works in.
    """

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(RESOLVED_AT_ONCE, thread_name_prefix="resolve")

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        """See ``Resolve``."""
        ask = partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
        try:
            found = await asyncio.get_running_loop().run_in_executor(self._threads, ask)
        except UnicodeError as error:  # a label that is empty or too long for a name
            raise OSError(f"{host!r} is not a host name") from error
        return list(dict.fromkeys(str(address[0]) for *_, address in found))

    def close(self) -> None:
        """Let the threads go, without waiting for answers."""
        self._threads.shutdown(wait=False, cancel_futures=True)


class Doorkeeper:
    """Which hosts may have a private address: instances' own by host *and* port, listed ones by host."""

    def __init__(self, allowed: Sequence[PrivateHost], private_hosts: Sequence[str]) -> None:
        self._pairs = {(_plain(entry.host), entry.port) for entry in allowed}
        self._hosts = {_plain(host) for host in private_hosts}

    def may_be_private(self, host: str, port: int) -> bool:
        """Whether the operator vouches for this host on this port."""
        name = _plain(host)
        return name in self._hosts or (name, port) in self._pairs


def _plain(host: str) -> str:
    return host.strip("[]").rstrip(".").lower()


class CheckedDialer(httpcore.AsyncNetworkBackend):
    """Resolves a name once, checks the answer and dials that very answer.

    The check stands where the socket is opened, so that no path leads around it: a name that answers differently a
    second time (DNS rebinding) is not asked a second time. TLS above still verifies the certificate of the *name*.
    """

    def __init__(self, doorkeeper: Doorkeeper, resolve: Resolve) -> None:
        self._doorkeeper = doorkeeper
        self._resolve = resolve
        self._inner = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the signature is httpcore's
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Raises ``ForbiddenAddressError`` before anything is dialled, ``httpcore.ConnectError`` afterwards."""
        try:
            addresses = await self._resolve(host.strip("[]"), port)
        except OSError as error:
            raise httpcore.ConnectError(f"{host} has no address: {error}") from error
        if not self._doorkeeper.may_be_private(host, port):
            # Private answers beside public ones are left out rather than fatal: DNS64 adds them to every name.
            addresses = [address for address in addresses if is_public(address)]
            if not addresses:
                raise ForbiddenAddressError(f"{host}:{port} is not on the public internet")
        failure: Exception = httpcore.ConnectError(f"{host} has no address")
        for address in addresses[:ADDRESSES_TRIED]:
            try:
                return await self._inner.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure

    async def sleep(self, seconds: float) -> None:
        """As httpcore wants it."""
        await self._inner.sleep(seconds)


class _Body(httpx.AsyncByteStream):
    def __init__(self, response: httpcore.Response) -> None:
        self._response = response

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for part in self._response.aiter_stream():
            yield part

    async def aclose(self) -> None:
        await self._response.aclose()


class CheckedTransport(httpx.AsyncBaseTransport):
    """httpx's own transport cannot be given a network backend; this one can. Raises httpcore's exceptions as they are.

    No proxies and nothing from the environment, for a proxy would dial what we could not check.
    """

    def __init__(self, dialer: CheckedDialer, ssl_context: ssl.SSLContext, *, connections: int = 64) -> None:
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=ssl_context,
            max_connections=connections,
            max_keepalive_connections=connections // 4,
            keepalive_expiry=5.0,
            network_backend=dialer,
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """One request, one answer; redirects are the caller's to follow."""
        url = request.url
        response = await self._pool.handle_async_request(
            httpcore.Request(
                method=request.method,
                url=httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
                headers=request.headers.raw,
                extensions=request.extensions,
            )
        )
        return httpx.Response(status_code=response.status, headers=response.headers, stream=_Body(response))

    async def aclose(self) -> None:
        """Close idle connections."""
        await self._pool.aclose()
