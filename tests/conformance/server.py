"""Which server is under test: the one named by environment variables, or the sandbox, started for this run.

====================  ==============================================================================================
``LEMMY_URL``         base address of a real Lemmy, e.g. ``http://127.0.0.1:8536``; unset: the sandbox
``LEMMY_ADMIN``       name of its first administrator
``LEMMY_PASSWORD``    and the password
``PICTRS_URL``        base address of its pict-rs, whose internal API must be reachable from here
``PICTRS_KEY``        the API key of that pict-rs
``LEMMY_MAY_WRITE``   host names, separated by commas, that may be written to although they are not this machine
====================  ==============================================================================================

Of a real server only the tests of its version are run: those here of 0.19, those in ``lemmy_v4`` of 1.0.
"""

from __future__ import annotations

import ipaddress
import json
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpx

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

NEEDED = ("LEMMY_URL", "LEMMY_ADMIN", "LEMMY_PASSWORD", "PICTRS_URL", "PICTRS_KEY")
SANDBOX = (sys.executable, "-m", "bot", "sandbox", "lemmy", "--port", "0")
STARTING = 60.0  # seconds until the sandbox must have said where it listens
STOPPING = 10.0


class UnusableServerError(Exception):
    """The server under test cannot or may not be used; the message says what to change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A Lemmy and its pict-rs, with what an administrator needs to get in."""

    url: str
    admin: str
    password: str
    pictrs_url: str
    pictrs_key: str
    lasting: bool  # it outlives the run: leave it as it was found


def named(environ: Mapping[str, str]) -> Server | None:
    """The server named by the environment, if one is; raises ``UnusableServerError`` if it is named badly."""
    if not environ.get("LEMMY_URL"):
        return None
    missing = [name for name in NEEDED if not environ.get(name)]
    if missing:
        raise UnusableServerError(f"LEMMY_URL is set, so {', '.join(missing)} must be set as well")
    allowed = {host.strip() for host in environ.get("LEMMY_MAY_WRITE", "").split(",")}
    for name in ("LEMMY_URL", "PICTRS_URL"):
        host = urlsplit(environ[name]).hostname or ""
        if not is_this_machine(host) and host not in allowed:
            raise UnusableServerError(
                f"{name} is on {host!r}, not on this machine, and these tests register people, ban them, change site "
                f"settings and purge files. If that server is there to be written to, set LEMMY_MAY_WRITE={host}"
            )
    return Server(
        url=environ["LEMMY_URL"].rstrip("/"),
        admin=environ["LEMMY_ADMIN"],
        password=environ["LEMMY_PASSWORD"],
        pictrs_url=environ["PICTRS_URL"].rstrip("/"),
        pictrs_key=environ["PICTRS_KEY"],
        lasting=True,
    )


def is_this_machine(host: str) -> bool:
    """Whether ``host`` can only mean the machine that the tests run on. Names are not resolved: they may lie."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def versions(server: Server) -> str:
    """One line about what answers there; raises ``UnusableServerError`` if something does not."""
    try:
        software = httpx.get(f"{server.url}/nodeinfo/2.1", timeout=30).raise_for_status().json()["software"]
        httpx.get(f"{server.pictrs_url}/healthz", timeout=30).raise_for_status()
    except (httpx.HTTPError, ValueError, KeyError) as fault:
        raise UnusableServerError(
            f"{server.url} with {server.pictrs_url} does not answer as a Lemmy with pict-rs: {fault!r}"
        ) from fault
    return f"{server.url}, {software['name']} {software['version']}; pict-rs reachable at {server.pictrs_url}"


def version_of(server: Server) -> str:
    """What the server says that it is: ``0.19.20`` or ``1.0.0``."""
    told = httpx.get(f"{server.url}/nodeinfo/2.1", timeout=30).raise_for_status().json()["software"]["version"]
    return str(told)


@contextmanager
def sandbox(version: str = "0.19") -> Iterator[Server]:
    """Start the installed sandbox of a version on a free port and stop it afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        said, complained = Path(folder, "stdout"), Path(folder, "stderr")
        with (
            said.open("wb") as stdout,
            complained.open("wb") as stderr,
            subprocess.Popen([*SANDBOX, "--version", version], stdout=stdout, stderr=stderr) as process,
        ):
            try:
                yield _announced(process, said, complained)
            finally:
                process.terminate()
                try:
                    process.wait(STOPPING)
                except subprocess.TimeoutExpired:
                    process.kill()


def _announced(process: subprocess.Popen[bytes], said: Path, complained: Path) -> Server:
    """What the sandbox printed as its first line: where it listens and who lives there."""
    end = time.monotonic() + STARTING
    while not (lines := said.read_text()).count("\n"):
        if process.poll() is not None or time.monotonic() > end:
            raise UnusableServerError(
                f"{' '.join(SANDBOX)} did not say where it listens:\n{lines}{complained.read_text()}"
            )
        time.sleep(0.05)
    told = json.loads(lines.splitlines()[0])
    return Server(
        url=told["url"].rstrip("/"),
        admin="admin",
        password=told["people"]["admin"]["password"],
        pictrs_url=told["pictrs_url"].rstrip("/"),
        pictrs_key=told["pictrs_key"],
        lasting=False,
    )
