"""One server: private, forgetful, and restarted at will."""

from __future__ import annotations

import atexit
import itertools
import secrets
import signal
import socket
import subprocess
import time
from contextlib import ExitStack, contextmanager, suppress
from functools import cache
from typing import TYPE_CHECKING

import psycopg

from postgres.programs import NoServerError, environment, folder, programs, run_as

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

USER = "fediwarden"
SECONDS = 120.0  # for a start or a stop, on a machine with other things to do

OPTIONS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "200",
    "max_wal_size": "512MB",
    # What is in it may be lost with the machine, never with the process: as with a real one, `kill -9` is survived.
    "fsync": "off",
    "full_page_writes": "off",
    # A server's own time zone must not matter to anybody.
    "timezone": "Asia/Kolkata",
}

# Somebody took the port between our looking and the server's; what `kill -9` left is not all gone yet.
PASSING = ("Address already in use", "pre-existing shared memory block")

# The server ends when this program does, however that came: the pipe to it breaks then. A word through it means that
# the server is gone already.
GUARDED = """
exec 3<&0
( ( read word <&3 || { kill -INT $$; sleep 2; rm -rf "$0"; } ) > /dev/null 2>&1 & )
exec "$@" 3<&-
"""


class Server:
    """PostgreSQL on a port of its own; see ``started``."""

    def __init__(self, bin_: Path, place: Path) -> None:
        """``place``: an empty folder of the server's user."""
        self._bin = bin_
        self._place = place
        self._password = secrets.token_hex(12)
        self._port = _free_port()
        self._port_is_known = False
        self._process: subprocess.Popen[bytes] | None = None
        self._admin: psycopg.Connection | None = None
        self._numbers = itertools.count(1)

    @property
    def log(self) -> str:
        """What the server said so far."""
        file = self._place / "log"
        return file.read_text(encoding="utf-8", errors="replace") if file.exists() else ""

    def url(self, database: str = "postgres", *, password: str | None = None) -> str:
        """As the configuration has it."""
        return f"postgresql://{USER}:{password or self._password}@127.0.0.1:{self._port}/{database}"

    def make(self) -> None:
        """What ``initdb`` does. Raises ``NoServerError``."""
        secret = self._place / "password"
        secret.write_text(self._password, encoding="utf-8")
        line: list[str | Path] = [self._bin / "initdb", "--pgdata", self._place / "data"]
        line += ["--username", USER, "--pwfile", secret]
        line += ["--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", "C", "--no-sync"]
        secret.chmod(0o644)  # in a folder that only the server's user may enter
        done = subprocess.run(
            line, **run_as(), env=environment(), cwd=self._place, capture_output=True, text=True, check=False
        )
        secret.unlink()
        if done.returncode != 0:
            raise NoServerError(f"PostgreSQL's initdb failed:\n{done.stdout}{done.stderr}")

    def start(self) -> None:
        """Until it answers. Raises ``NoServerError`` with the end of its log."""
        deadline = time.monotonic() + SECONDS
        while True:
            before = len(self.log)
            process = self._process = self._spawn()
            while process.poll() is None and time.monotonic() < deadline:
                if self._answers():
                    self._port_is_known = True
                    return
                time.sleep(0.02)
            said = self.log[before:]
            if process.poll() is None or not any(reason in said for reason in PASSING):
                raise NoServerError(f"PostgreSQL did not start:\n{said[-3000:]}")
            _dismiss_guard(process)
            if not self._port_is_known:
                self._port = _free_port()
            time.sleep(0.1)

    def _spawn(self) -> subprocess.Popen[bytes]:
        options = [f"--{key}={value}" for key, value in {**OPTIONS, "port": str(self._port)}.items()]
        line: list[str | Path] = ["sh", "-c", GUARDED, self._place]
        line += [self._bin / "postgres", "-D", self._place / "data", *options]
        with (self._place / "log").open("ab") as log:
            return subprocess.Popen(
                line,
                **run_as(),
                env=environment(),
                cwd=self._place,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C is for the program, which may need its ledger to end well
            )

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """SIGINT throws everybody out and ends in order; SIGKILL leaves a wreck that the next start repairs."""
        if self._admin is not None:
            self._admin.close()
            self._admin = None
        process, self._process = self._process, None
        if process is not None:
            process.send_signal(how)
            process.wait(SECONDS)
            _dismiss_guard(process)

    def execute(self, statement: str) -> None:
        """As the superuser, outside of any transaction."""
        if self._admin is None:
            self._admin = psycopg.connect(self.url(), autocommit=True)
        self._admin.execute(statement.encode())

    def create(self, name: str, *, template: str = "template1") -> str:
        """A new database like the template, which nobody may be connected to; its URL."""
        self.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        return self.url(name)

    @contextmanager
    def database(self, *, template: str = "template1") -> Iterator[str]:
        """The URL of a new one that is dropped afterwards, whoever is connected."""
        name = f"test_{next(self._numbers)}"
        url = self.create(name, template=template)
        try:
            yield url
        finally:
            self.execute(f"DROP DATABASE {name} WITH (FORCE)")

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.url(), connect_timeout=5).close()
        except psycopg.OperationalError:
            return False
        return True


@contextmanager
def started() -> Iterator[Server]:
    """A server that runs. Raises ``NoServerError`` where there cannot be one."""
    with programs() as bin_, folder() as place:
        one = Server(bin_, place)
        one.make()
        try:
            one.start()
            yield one
        finally:
            one.stop()


@cache
def shared() -> Server:
    """The one of this process, started when somebody wants it; it ends with the process."""
    stack = ExitStack()
    atexit.register(stack.close)
    return stack.enter_context(started())


def _dismiss_guard(process: subprocess.Popen[bytes]) -> None:
    assert process.stdin is not None
    with suppress(BrokenPipeError), process.stdin as guard:
        guard.write(b"gone\n")


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])
