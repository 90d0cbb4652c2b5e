"""Which Mastodon is under test: the one named by environment variables, or the sandbox, started for this run.

========================  ==========================================================================================
``MASTODON_URL``          base address of a real Mastodon, e.g. ``http://127.0.0.1:3000``; unset: the sandbox
``MASTODON_PEOPLE``       a JSON file with its people and their tokens, of the shape that ``fediwarden sandbox
                          mastodon`` prints. Its ``streaming_url``, ``webhook_secret`` and ``host`` are used as well
``MASTODON_HOST``         the server's own name, where it is reached on this machine: sent as ``Host`` together with
                          ``X-Forwarded-Proto: https``
``MASTODON_WEBHOOK``      address on this machine that its webhook (all events) delivers to; unset: not tested
``MASTODON_MAY_WRITE``    host names, separated by commas, that may be written to although they are not this machine
========================  ==========================================================================================
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx

from ..server import STARTING, STOPPING, UnusableServerError, is_this_machine

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

NEEDED = ("MASTODON_URL", "MASTODON_PEOPLE")
VERSIONS = ("4.3", "4.6")  # of the sandbox
STAFF = ("admin", "warden", "mod")  # who must be there; the others are ordinary


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """What one of the people can sign in with. ``totp_secret`` is empty without a second factor."""

    name: str
    id: str
    email: str
    password: str
    tokens: Mapping[str, str]
    totp_secret: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A Mastodon, and the people whose words it takes."""

    url: str
    host: str  # what it calls itself; empty: what the address says
    people: Mapping[str, Credentials]
    streaming_url: str
    webhook_secret: str
    webhook_url: str
    lasting: bool  # it outlives the run: leave it as it was found

    @property
    def headers(self) -> dict[str, str]:
        """What every request carries, so that a server behind a proxy takes it as addressed to itself."""
        if not self.host or self.host == urlsplit(self.url).netloc:
            return {}
        return {"Host": self.host, "X-Forwarded-Proto": "https"}


def named(environ: Mapping[str, str]) -> Server | None:
    """The server named by the environment, if one is; raises ``UnusableServerError`` if it is named badly."""
    if not environ.get("MASTODON_URL"):
        return None
    missing = [name for name in NEEDED if not environ.get(name)]
    if missing:
        raise UnusableServerError(f"MASTODON_URL is set, so {', '.join(missing)} must be set as well")
    url, listens = environ["MASTODON_URL"].rstrip("/"), environ.get("MASTODON_WEBHOOK", "")
    host = urlsplit(url).hostname or ""
    allowed = {name.strip() for name in environ.get("MASTODON_MAY_WRITE", "").split(",")}
    if not is_this_machine(host) and host not in allowed:
        raise UnusableServerError(
            f"MASTODON_URL is on {host!r}, not on this machine, and these tests post, report, remove posts and suspend "
            f"people. If that server is there to be written to, set MASTODON_MAY_WRITE={host}"
        )
    if listens and not is_this_machine(urlsplit(listens).hostname or ""):
        raise UnusableServerError("MASTODON_WEBHOOK is where these tests listen, so it must be on this machine")
    try:
        told = json.loads(Path(environ["MASTODON_PEOPLE"]).read_text(encoding="utf-8"))
    except (OSError, ValueError) as fault:
        raise UnusableServerError(f"MASTODON_PEOPLE cannot be read as JSON: {fault}") from fault
    told = told if "people" in told else {"people": told}
    return _server(told | {"url": url}, host=environ.get("MASTODON_HOST", ""), webhook_url=listens, lasting=True)


def _server(told: Mapping[str, Any], *, host: str, webhook_url: str, lasting: bool) -> Server:
    try:
        people = {
            name: Credentials(
                name=name,
                id=str(one["id"]),
                email=one["email"],
                password=one["password"],
                tokens=dict(one["tokens"]),
                totp_secret=one.get("totp_secret") or "",
            )
            for name, one in told["people"].items()
        }
    except (KeyError, TypeError, AttributeError) as fault:
        raise UnusableServerError(f"the people are not of the shape that the sandbox prints: {fault!r}") from fault
    missing = [name for name in STAFF if name not in people or "full" not in people[name].tokens]
    if missing:
        raise UnusableServerError(f"no token named 'full' for {', '.join(missing)}")
    return Server(
        url=told["url"].rstrip("/"),
        host=host or told.get("host") or "",
        people=people,
        streaming_url=(told.get("streaming_url") or "").rstrip("/"),
        webhook_secret=told.get("webhook_secret") or "",
        webhook_url=webhook_url,
        lasting=lasting,
    )


def versions(server: Server) -> str:
    """One line about what answers there; raises ``UnusableServerError`` if something does not."""
    try:
        answer = httpx.get(f"{server.url}/api/v2/instance", headers=server.headers, timeout=30)
        version = answer.raise_for_status().json()["version"]
    except (httpx.HTTPError, ValueError, KeyError) as fault:
        raise UnusableServerError(f"{server.url} does not answer as a Mastodon: {fault!r}") from fault
    return f"{server.url}, Mastodon {version}"


@contextmanager
def sandbox(version: str, webhook_url: str) -> Iterator[Server]:
    """Start the installed sandbox on a free port and stop it afterwards."""
    command = (sys.executable, "-m", "bot", "sandbox", "mastodon", "--version", version, "--webhook", webhook_url)
    with tempfile.TemporaryDirectory() as folder:
        said, complained = Path(folder, "stdout"), Path(folder, "stderr")
        with (
            said.open("wb") as stdout,
            complained.open("wb") as stderr,
            subprocess.Popen(command, stdout=stdout, stderr=stderr) as process,
        ):
            try:
                end = time.monotonic() + STARTING
                while not (lines := said.read_text()).count("\n"):
                    if process.poll() is not None or time.monotonic() > end:
                        raise UnusableServerError(
                            f"{' '.join(command)} did not say where it listens:\n{lines}{complained.read_text()}"
                        )
                    time.sleep(0.05)
                yield _server(json.loads(lines.splitlines()[0]), host="", webhook_url=webhook_url, lasting=False)
            finally:
                process.terminate()
                try:
                    process.wait(STOPPING)
                except subprocess.TimeoutExpired:
                    process.kill()
