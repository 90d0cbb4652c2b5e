"""The installed command, typed as an operator types it, and servers for it to ask."""

from __future__ import annotations

import codecs
import json
import os
import pty
import select
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import yaml

from adapters.sandbox.lemmy import LemmySandbox
from listening import listening

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

COMMAND = Path(sys.executable).with_name("fediwarden")
LISTED = {"id": "one", "when": {"lists": ["known"]}, "then": ["purge_file", "ban_account"]}


@contextmanager
def seeing_box() -> Iterator[LemmySandbox]:
    """A server whose warden sees everything."""
    with LemmySandbox() as started:
        httpx.put(
            f"{started.url}/api/v3/user/save_user_settings",
            headers={"Authorization": f"Bearer {started.people['warden'].jwt}"},
            json={"show_nsfw": True},
        ).raise_for_status()
        yield started


def fediwarden(
    folder: Path, *words: str, typed: str = "", code: int = 0, **environment: str
) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("FEDIWARDEN_")}
    done = subprocess.run(
        [COMMAND, *words],
        cwd=folder,
        input=typed,
        env={**clean, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == code, f"{done.returncode}\n{done.stdout}\n{done.stderr}"
    assert "Traceback" not in done.stderr
    return done


def flat(text: str) -> str:
    """Without the line breaks of a narrow terminal."""
    return " ".join(text.split())


def written(folder: Path, box: LemmySandbox, *more: str) -> Path:
    """A configuration by ``init``, with everything that the sandbox offers."""
    fediwarden(
        folder,
        *("init", "--url", box.url, "--username", "warden", "--password-stdin"),
        *("--pictrs-url", box.pictrs_url, "--pictrs-key-env", "FEDIWARDEN_TEST_KEY", *more),
        typed=f"{box.people['warden'].password}\n",
        FEDIWARDEN_TEST_KEY=box.pictrs_key,
    )
    return folder / "config.yaml"


def plain(folder: Path, box: LemmySandbox, **changes: Any) -> Path:
    """A configuration without a detector, which takes long to load."""
    path = written(folder, box)
    changed(path, **{"detectors": [], "rules": [LISTED], "evidence": "none", **changes})
    return path


def checked(folder: Path, box: LemmySandbox, *words: str, code: int) -> dict[str, dict[str, Any]]:
    done = fediwarden(folder, "check", "--json", *words, code=code, FEDIWARDEN_TEST_KEY=box.pictrs_key)
    rows = json.loads(done.stdout)
    assert all(row["ok"] or row["remedy"] for row in rows)
    return {row["what"]: row for row in rows}


def changed(path: Path, **changes: Any) -> None:
    path.write_text(yaml.safe_dump({**yaml.safe_load(path.read_text(encoding="utf-8")), **changes}), encoding="utf-8")


def conversation(command: list[str], folder: Path, answers: dict[str, str]) -> str:
    """Run a command on a terminal, answer each question when it comes; all that the terminal showed."""
    terminal, inner = pty.openpty()
    environment = {**os.environ, "NO_COLOR": "1", "TERM": "dumb"}
    process = subprocess.Popen(
        command, cwd=folder, stdin=inner, stdout=inner, stderr=inner, env=environment, start_new_session=True
    )
    os.close(inner)
    said, rest, waiting = "", "", list(answers.items())
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        while select.select([terminal], [], [], 30)[0]:
            try:
                piece = decoder.decode(os.read(terminal, 4096))  # a read may end within a character
            except OSError:  # the other end is closed
                break
            said += piece
            rest += piece
            # The space comes last: what is typed before it is thrown away where a password is asked for.
            if waiting and waiting[0][0] in rest and rest.endswith(": "):
                os.write(terminal, f"{waiting.pop(0)[1]}\n".encode())
                rest = ""
        code = process.wait(30)
    finally:
        process.kill()
        process.wait()
        os.close(terminal)
    assert (code, waiting) == (0, []), said
    return said


def server(answers: dict[str, tuple[int, Any]]) -> AbstractContextManager[str]:
    """A server that answers a few paths, and 404 elsewhere."""

    def answer(path: str) -> tuple[int, bytes, dict[str, str]]:
        status, body = answers.get(path, (404, "nothing here"))
        data = (body if isinstance(body, str) else json.dumps(body)).encode()
        return status, data, {"Location": str(body)} if status == 301 else {}

    return listening(answer)


def software(name: str, version: str) -> tuple[int, Any]:
    return 200, {"version": "2.1", "software": {"name": name, "version": version}}
