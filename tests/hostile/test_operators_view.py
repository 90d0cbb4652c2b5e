"""Hostile files shown in posts: the operator sees what came of each, nothing is done about any, the bot goes on."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from rich.console import Console
from typer.testing import CliRunner

from acceptance.bot import Bot
from bot.cli.app import app
from bot.cli.opening import out, whole
from bot.cli.words import describe_scan
from bot.clock import SystemClock
from bot.ledger import open_ledger
from conformance.pictures import png
from conformance.waiting import eventually
from crash.conftest import Town, town
from media.servers import Server, ok, serving

from .corpus import damaged, made
from .files import SEEN, carrier
from .foreign import archives

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .files import HostileFile

__all__ = ["town"]

FEW = 45
TOO_SLOW = re.compile(r"[38]0000?x|100,000|5,000|3,000")
LISTED = {"id": "listed", "when": {"lists": ["bad"]}, "then": ["report", "remove"]}
SURE = {
    "id": "sure",
    "when": {"score": {"detector": "nsfw", "label": "nsfw", "at_least": 0.99}},
    "then": ["report", "remove", "ban_account"],
}


def sample() -> list[HostileFile]:
    """Some of every family, the same ones in every run."""
    quick = [file for file in made() if not TOO_SLOW.search(file.name)]
    spread = quick[:: max(1, len(quick) // FEW)]
    by_name = {file.name: file for file in quick}
    return [*spread, by_name["PNG and zip"], next(damaged(1))]


@pytest.fixture
def elsewhere() -> Iterator[Server]:
    """A foreign server, as far as the bot can tell."""
    with serving() as server:
        yield server


@pytest.fixture
def bot(town: Town, tmp_path: Path) -> Iterator[Bot]:
    one = Bot(
        town.config(tmp_path, unposted_uploads="scan", media={"private_hosts": ["127.0.0.1"]}, rules=[LISTED, SURE])
    )
    one.start()
    one.wait_until_it_watches()
    yield one
    one.stop()


class Looking:
    """Into the ledger of a bot that runs. Starting a command for each of many files would take minutes."""

    def __init__(self, bot: Bot) -> None:
        self._config = bot.config
        self._ledger = open_ledger(f"sqlite:///{bot.config.parent / 'ledger.db'}", clock=SystemClock())

    def scan(self, name: str) -> str:
        """What ``who`` says of the contents of a file (URL or alias); empty if it is not looked at yet."""
        for record in self._ledger.names_ending(name):
            file = self._ledger.file(record.file_id)
            if file is not None and file.scan is not None:
                return describe_scan(file.scan)
        return ""

    def told(self, *words: str) -> str:
        """A command's words for people, in this process; it ends well."""
        done = CliRunner().invoke(app, ["--config", str(self._config), *words])
        assert done.exit_code == 0, f"{words}: {done.output}\n{done.exception!r}"
        return done.stdout

    def close(self) -> None:
        self._ledger.close()


@pytest.fixture
def looking(bot: Bot, monkeypatch: pytest.MonkeyPatch) -> Iterator[Looking]:
    monkeypatch.setattr(out, "_width", 4000)  # a terminal on which no sentence is broken into lines
    one = Looking(bot)
    yield one
    one.close()


def deeds(town: Town) -> dict[str, Any]:
    """Everything that anybody did, by the server's own books."""
    log = town.call("admin", "GET", "modlog", limit=50)
    reports = town.call("admin", "GET", "post/report/list", unresolved_only="false")
    return {"reports": reports["post_reports"], "removed": log["removed_posts"], "banned": log["banned"]}


def test_every_hostile_file_comes_to_an_end_that_an_operator_can_see(
    town: Town, bot: Bot, looking: Looking, elsewhere: Server
) -> None:
    files = {f"{elsewhere.url}/{number:02}.png": file for number, file in enumerate(sample())}
    assert len({file.family for file in files.values()}) == 13
    urls = list(files)
    for start in range(0, len(urls), 10):
        some = urls[start : start + 10]
        for url in some:  # each of them is called image/png
            elsewhere.answers[url.removeprefix(elsewhere.url)] = ok(files[url].data)
        town.post("alice", f"{town.box.url}/", body="\n\n".join(f"![]({url})" for url in some))
        eventually(lambda some=some: all(looking.scan(url) for url in some), f"all are scanned\n{bot.log.read_text()}")

    unscannable = 0
    for url, file in files.items():
        scan = looking.scan(url)
        found = re.match(r"could not be scanned \((\w+)\): .", scan)
        outcome = found[1] if found else SEEN
        assert outcome in file.ends, f"{file.name}: {scan}"
        assert file.finding in scan, f"{file.name}: {scan}"
        assert file.gap in scan, f"{file.name}: {scan}"
        assert found or re.search("(image|video)/", scan), f"{file.name}: {scan}"
        if outcome == SEEN and "image/png" not in scan:
            assert re.search("declared image/png, is (image|video)/", scan)
        unscannable += outcome != SEEN
    for url in urls[::9]:
        assert looking.scan(url) in looking.told("who", url)
    bot.wait_until_idle()
    status = bot.look("status")
    assert status["counts"]["unscannable"] == unscannable >= 5
    reasons = " ".join(trouble["reason"] for trouble in status["troubles"])
    assert "too_large: " in reasons
    assert "broken: " in reasons

    # None of it is a reason to do anything.
    assert bot.look("cases") == []
    assert bot.look("held") == []
    assert deeds(town) == {"reports": [], "removed": [], "banned": []}

    harmless = town.upload("alice", png(640, 480))
    town.post("alice", harmless)
    alias = harmless.rsplit("/", 1)[1]
    eventually(
        lambda: looking.scan(alias).startswith("640x480 image/png; nsfw/nsfw 0."), "a picture is scanned as ever"
    )


def test_what_hangs_behind_a_picture_is_told_with_the_case_and_is_not_its_reason(
    town: Town, bot: Bot, looking: Looking, elsewhere: Server
) -> None:
    packed = archives()["zip archive"]
    behind = {
        "zip": (carrier("JPEG") + packed, f"zip archive appended, {len(packed):,} bytes"),
        "html": (carrier("GIF") + b"<html>" + bytes(994), "HTML appended, 1,000 bytes"),
        "twice": (carrier("PNG") + carrier("PNG"), f"second PNG appended, {len(carrier('PNG')):,} bytes"),
    }
    for name, (data, finding) in behind.items():
        elsewhere.answers[f"/{name}"] = ok(data, kind="image/[/b]")
        url = f"{elsewhere.url}/{name}"
        post = town.post("alice", f"{town.box.url}/", body=f"![]({url})")
        eventually(lambda url=url, finding=finding: finding in looking.scan(url), f"{finding} is found")
        assert not town.shown(post["id"])["removed"]
        assert finding in looking.told("who", url)
        assert "declared image/[/b], is image/" in looking.told("who", url)
    uploaded = town.upload("alice", behind["zip"][0]).rsplit("/", 1)[1]
    eventually(lambda: behind["zip"][1] in looking.scan(uploaded), "it is found in an upload too")
    bot.wait_until_idle()
    assert bot.look("cases") == []

    data, finding = behind["zip"]
    bot.command("list", "add", "bad", f"sha256:{hashlib.sha256(data).hexdigest()}")
    post = town.post("bob", f"{town.box.url}/", body=f"![]({elsewhere.url}/zip)")
    eventually(lambda: town.shown(post["id"])["removed"], f"the listed one is removed\n{bot.log.read_text()[-3000:]}")
    told = looking.told("case", "1")
    assert finding in told
    assert "declared image/[/b], is image/jpeg" in told
    assert "flagged by list bad (sha256)" in told
    assert not re.search(r"flagged by [^\n]*(appended|declared)", told)
    assert finding in json.dumps(bot.look("case", "1"))


def test_nothing_that_commands_print_is_taken_for_markup() -> None:
    """Addresses, names and reasons come from anywhere; one with a bracket in it must not end a command."""
    cli = Path(__file__).parents[2] / "bot" / "cli"
    styles = re.compile(r"\[/?(?:bold|dim|italic|red|green|yellow|cyan)\b|rich\.markup|markup=True")
    assert [page.name for page in sorted(cli.glob("*.py")) if styles.search(page.read_text(encoding="utf-8"))] == []


def test_tables_cut_nothing_off_on_a_narrow_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    digest = "0123456789abcdef" * 4
    table = whole("list", "digest")
    table.add_row("confirmed", digest)
    Console(width=40).print(table)
    assert digest in re.sub(r"[^0-9a-f]|confirmed", "", capsys.readouterr().out.partition("digest")[2])
