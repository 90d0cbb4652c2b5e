"""A purge is done when the public says so, caches included; the operator's command clears them."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any

import pytest
import structlog
from lemmy_town import MAIN
from pydantic import ValidationError

from adapters.clearing import AfterPurge
from bot.domain.content import Alias
from bot.domain.decisions import GONE_AT_STORE, STILL_SERVED, AlreadyDone, Done, Failed, PurgeFile
from caching import cache_in_front

if TYPE_CHECKING:
    from pathlib import Path

    from lemmy_town import Town

    from caching import Cache

CLEAR = """
import sys, urllib.request
for url in sys.argv[1:] or sys.stdin.read().split():
    urllib.request.urlopen(urllib.request.Request(url, method="PURGE"))
"""


@pytest.fixture
def cache(town: Town) -> Cache:
    return cache_in_front(town.box)


@pytest.fixture
def script(tmp_path: Path) -> str:
    path = tmp_path / "clear.py"
    path.write_text(CLEAR, encoding="utf-8")
    return str(path)


def cached(town: Town, cache: Cache) -> PurgeFile:
    """A file that the cache has."""
    alias = town.upload()
    assert town.client("alice").get(f"/pictrs/image/{alias}").status_code == 200
    assert cache.kept
    return PurgeFile(instance=MAIN, name=Alias(instance=MAIN, value=alias), url=town.url(alias))


def after(*command: str, **more: Any) -> dict[str, Any]:
    return {"after_purge": {"command": [*command], **more}}


@pytest.mark.parametrize("obeys", [True, False])
def test_what_a_cache_shows_is_not_gone(town: Town, cache: Cache, obeys: bool) -> None:
    cache.obeys = obeys
    enforcer = town.connect().enforcer
    intent = cached(town, cache)
    assert isinstance(enforcer.apply(intent), Done)
    for _ in range(100):
        found = enforcer.verify(intent)
        if found.detail.startswith(STILL_SERVED):
            break
        time.sleep(0.05)
    assert found.so is False
    assert found.detail.startswith(STILL_SERVED)
    assert isinstance(enforcer.apply(intent), AlreadyDone)  # nothing is left to do at the store
    cache.kept.clear()
    assert enforcer.verify(intent).so


@pytest.mark.parametrize(("pictrs", "on_stdin"), [(True, False), (False, True)])
def test_command_clears_the_cache(town: Town, cache: Cache, script: str, pictrs: bool, on_stdin: bool) -> None:
    words = [sys.executable, script, *([] if on_stdin else ["{url}"])]
    enforcer = town.connect(**after(*words), **({} if pictrs else {"pictrs": None})).enforcer
    intent = cached(town, cache)
    outcome = enforcer.apply(intent)
    assert isinstance(outcome, Done)
    assert "caches cleared by" in outcome.note
    assert cache.purged == [f"/pictrs/image/{intent.name.value}"]
    assert enforcer.verify(intent).so


def test_store_is_waited_for_before_a_cache_is_cleared(town: Town, cache: Cache, script: str) -> None:
    town.box.files.purge_delay = 0.4
    enforcer = town.connect(**after(sys.executable, script, "{url}")).enforcer
    intent = cached(town, cache)
    assert isinstance(enforcer.apply(intent), Done)
    assert town.client("alice").get(f"/pictrs/image/{intent.name.value}").status_code == 404


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ((sys.executable, "-c", "print('tok3n' * 1000); raise SystemExit(3)"), "failed (status 3)"),
        (("/no/such/program",), "cannot be started"),
    ],
)
def test_command_that_fails_is_a_failure_that_is_tried_again(
    town: Town, cache: Cache, command: tuple[str, ...], words: str
) -> None:
    enforcer = town.connect(**after(*command, timeout="1s")).enforcer
    intent = cached(town, cache)
    with structlog.testing.capture_logs() as logs:
        outcome = enforcer.apply(intent)
    assert isinstance(outcome, Failed)
    assert not outcome.unknown
    assert outcome.note.startswith(GONE_AT_STORE)
    assert words in outcome.note
    assert "tok3n" not in outcome.note
    assert all(len(str(log.get("output", ""))) <= 500 for log in logs)
    assert enforcer.verify(intent).so is False
    cache.kept.clear()
    found = enforcer.verify(intent)
    assert found.so is False  # other caches may have it; the command is still to run
    assert found.detail.startswith(GONE_AT_STORE)


def test_children_of_a_command_that_takes_too_long_end_with_it(town: Town, cache: Cache, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    child = f"import time, pathlib; time.sleep(2); pathlib.Path({str(mark)!r}).touch()"
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])"
    enforcer = town.connect(**after(sys.executable, "-c", parent, timeout="1s")).enforcer
    outcome = enforcer.apply(cached(town, cache))
    assert isinstance(outcome, Failed)
    assert "took longer than 1 s" in outcome.note
    time.sleep(1.5)
    assert not mark.exists()


def test_command_gets_addresses_of_this_server_only(town: Town, cache: Cache, tmp_path: Path) -> None:
    out = tmp_path / "out"
    code = f"import sys, pathlib; pathlib.Path({str(out)!r}).write_text(repr(sys.argv[1:]))"
    enforcer = town.connect(**after(sys.executable, "-c", code, "--url={url}", "$(id)")).enforcer
    for foreign in ("https://evil.example/$(id)", "file:///etc/passwd", "-rf", f"{town.box.url}@evil.example/"):
        known = cached(town, cache)
        intent = PurgeFile(instance=MAIN, name=known.name, url=foreign)
        enforcer.apply(intent)
        assert out.read_text() == repr([f"--url={town.url(known.name.value)}", "$(id)"])


def test_check_looks_for_the_program_and_does_not_run_it(town: Town, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    for command, ok in (((sys.executable, "-c", f"open({str(mark)!r}, 'w')"), True), (("/no/such/program",), False)):
        rows = {row.what: row for row in town.connect(**after(*command)).inspector.check()}
        assert rows["after a purge"].ok is ok
    assert not mark.exists()


@pytest.mark.parametrize("wrong", [{"command": []}, {"command": ["{url}"]}, {"command": [""]}, {"command": "rm -rf"}])
def test_command_is_a_list_that_begins_with_a_program(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        AfterPurge.model_validate(wrong)
