"""One picture in very many posts: judged together, none of them lost, and the first of them at once."""

import asyncio
import hashlib
from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import event

import making
from bot.domain.content import Role
from bot.domain.decisions import HoldReason, IntentState
from bot.domain.errors import RateLimitedError
from bot.pipeline import Pipeline
from bot.pipeline.judge import TOGETHER
from bot.pipeline.uses import ASKED_ALL_THE_SAME, LATELY
from bot.ports import Batch, Lane, TaskKind

from .test_examine import BAD, OTHER, THUMB, World

LOOKING = (TaskKind.EXAMINE, TaskKind.JUDGE)


class Raid(World):
    """Every post has an upload of its own, of the same bytes."""

    def __init__(self):
        super().__init__()
        self.asked = Counter()
        self.named = 0
        self.runner = asyncio.Runner()  # what waits for a turn does so within one loop

    def close(self):
        self.runner.close()
        self.ledger.close()

    def examine(self, name, **more):
        return self.runner.run(self.pipeline.examine(str(name), **more))

    def names(self, name):
        self.named += 1
        return super().names(name)

    def uses(self, name):
        self.asked[name] += 1
        return super().uses(name)

    def flood(self, posts, *, first=1, accounts=5, data=BAD, **more):
        names = []
        for number in range(first, first + posts):
            author = making.account(f"raider{number % accounts}")
            name = self.see(data, name=f"{number}.png", post=number, author=author, **more)
            upload = making.upload(name, author)
            self.uploads[name] = replace(upload, uploaded_at=self.clock.now())
            names.append(name)
        return names

    def work(self, *, rounds=1000):
        """All that is to be looked at and judged, eight at a time; how many tasks that were, by kind."""
        done = Counter()

        async def together(tasks):
            await asyncio.gather(*(self.pipeline.run(task, None) for task in tasks))

        for _ in range(rounds):
            tasks = self.ledger.take(LOOKING, limit=8, lease_seconds=60)
            done.update(task.kind for task in tasks)
            if tasks:
                self.runner.run(together(tasks))
            elif any(key in self.ledger.backlog_size() for key in ("waiting/examine", "waiting/judge")):
                self.clock.pass_(seconds=1)
            else:
                return done
        raise AssertionError(f"it never comes to an end: {self.ledger.troubles()}")


@pytest.fixture
def raid():
    made = Raid()
    yield made
    made.close()


def deeds(raid):
    return Counter(kind for kind, _ in raid.intents())


def test_every_post_of_a_flood_gets_its_deeds(raid):
    raid.flood(120)
    done = raid.work()
    assert deeds(raid) == {"report": 120, "remove": 120, "purge_file": 120, "ban_account": 5}
    assert {record.state for record in raid.intents().values()} == {IntentState.READY}
    assert done[TaskKind.JUDGE] < 20, "judged together"


def test_first_sighting_is_judged_at_once_and_those_that_come_meanwhile_by_a_task(raid):
    (first,) = raid.flood(1)
    raid.examine(first)
    assert deeds(raid)["report"] == 1
    raid.flood(2 * TOGETHER, first=2)
    raid.work()
    before = deeds(raid)["report"]
    assert before == 2 * TOGETHER + 1
    (late,) = raid.flood(1, first=1000)
    raid.examine(late)
    assert deeds(raid)["report"] == before
    assert raid.ledger.backlog_size()["waiting/judge"] == 1
    raid.work()
    assert deeds(raid)["report"] == before + 1


def test_what_was_left_for_later_outlives_the_process(raid):
    raid.flood(2 * TOGETHER)
    raid.work()
    (late,) = raid.flood(1, first=1000)
    raid.examine(late)
    assert ("report", "here/post/1000") not in raid.intents()
    raid.pipeline = Pipeline(raid.pipeline._s)
    raid.work()
    assert ("report", "here/post/1000") in raid.intents()


def test_whoever_scans_leaves_a_file_of_the_flood_to_those_who_judge_however_long_it_rested(raid):
    raid.flood(2 * TOGETHER)
    raid.work()
    raid.clock.pass_(seconds=3600)
    (late,) = raid.flood(1, first=1000)
    raid.examine(late)
    assert ("report", "here/post/1000") not in raid.intents()
    assert raid.ledger.backlog_size()["waiting/judge"] == 1
    raid.work()
    assert ("report", "here/post/1000") in raid.intents()


def test_work_for_each_post_does_not_grow_with_the_flood():
    """Statements to look at one more post of a picture that is known in few posts, and in many."""
    costs = {}
    for posts in (10, 160):
        made = Raid()
        made.flood(posts)
        made.work()
        (late,) = made.flood(1, first=1000)
        counted = Counter()
        event.listen(
            made.ledger._database.engine,
            "after_cursor_execute",
            lambda *_arguments, counted=counted: counted.update(["statements"]),
        )
        rests = made.pipeline._judge._memory.rests
        rests.update(dict.fromkeys(rests or (1,), made.clock.now() + timedelta(seconds=5)))
        made.examine(late)
        costs[posts] = counted["statements"]
        made.close()
    assert costs[160] <= costs[10]


def test_platform_is_asked_for_other_names_with_each_judging_and_not_with_each_post(raid):
    raid.flood(120)
    raid.work()
    assert raid.named < 120


def test_not_each_name_of_a_flood_is_searched_for(raid):
    raid.flood(60)
    raid.work()
    # Of a name that came while its file was being judged it may not have been known yet when it was stored.
    assert ASKED_ALL_THE_SAME <= len(raid.asked) <= 2 * ASKED_ALL_THE_SAME
    assert set(raid.asked.values()) == {1}
    assert deeds(raid)["purge_file"] == 60


def test_neither_is_each_file_of_a_flood(raid):
    copies = [BAD + bytes([number]) for number in range(20)]
    raid.listed |= {hashlib.sha256(data).hexdigest() for data in copies}
    for number, data in enumerate(copies):
        raid.flood(3, first=100 * number + 1, data=data)
    raid.work()
    assert len(raid.asked) <= 2 * ASKED_ALL_THE_SAME
    before = len(raid.asked)
    raid.clock.pass_(seconds=LATELY.total_seconds())
    raid.flood(3, first=5001)
    raid.work()
    assert before < len(raid.asked) <= before + 3


def test_each_name_that_is_older_than_our_watch_is_searched_for(raid):
    raid.flood(30)
    for name, upload in raid.uploads.items():
        raid.uploads[name] = replace(upload, uploaded_at=raid.clock.now() - timedelta(days=30))
    raid.work()
    assert len(raid.asked) == 30


def test_while_the_search_is_limited_all_but_the_purge_is_planned_and_the_purge_follows(raid):
    limited = True
    real = raid.uses

    def uses(name):
        if limited:
            raise RateLimitedError("search", retry_after=60.0)
        return real(name)

    raid.uses = uses
    (name,) = raid.flood(1)
    raid.examine(name)
    assert deeds(raid) == {"report": 1, "remove": 1, "ban_account": 1}
    limited = False
    raid.clock.pass_(seconds=60)
    raid.work()
    assert deeds(raid) == {"report": 1, "remove": 1, "purge_file": 1, "ban_account": 1}


def test_a_rule_for_any_use_does_not_wait_for_the_search(raid):
    object.__setattr__(raid.pipeline._s, "rules", [making.rule(any_use=True)])
    real, limited = raid.uses, [True]

    def uses(name):
        if limited:
            limited.clear()
            raise RateLimitedError("search", retry_after=60.0)
        return real(name)

    raid.uses = uses
    raid.subjects = [making.sighting(making.comment(9, making.account("carol")), making.alias("1.png"))]
    (name,) = raid.flood(1)
    raid.examine(name)
    assert deeds(raid)["purge_file"] == 1
    raid.clock.pass_(seconds=60)
    raid.work()
    assert ("remove", "here/comment/9") in raid.intents(), "other places are found afterwards"


def test_innocent_who_shows_a_file_of_the_flood_holds_its_purge_and_nothing_else(raid):
    names = raid.flood(80)
    raid.work()
    seen = making.sighting(making.post(5000, making.account("carol")), names[7])
    raid.ledger.record("", Batch(sightings=[seen]), examine_uploads=False)
    raid.work()
    states = Counter((kind, r.state) for (kind, _), r in raid.intents().items())
    assert states["purge_file", IntentState.HELD] == 80
    assert {r.reasons for (kind, _), r in raid.intents().items() if kind == "purge_file"} == {(HoldReason.SHARED_FILE,)}
    assert states["ban_account", IntentState.READY] == 5
    assert not any("carol" in target for kind, target in raid.intents() if kind == "ban_account")


def test_thumbnails_of_a_flood_go_with_their_pictures(raid):
    raid.flood(60)
    for number in range(1, 61):
        author = making.account(f"raider{number % 5}")
        raid.see(THUMB, name=f"t{number}.png", post=number, author=author, role=Role.THUMBNAIL)
    raid.work()
    assert deeds(raid) == {"report": 60, "remove": 60, "purge_file": 120, "ban_account": 5}
    assert len(raid.ledger.cases()) == 1


def test_flood_of_harmless_pictures_is_not_judged_at_all(raid):
    raid.flood(60, data=OTHER)
    assert raid.work() == {TaskKind.EXAMINE: 60}
    assert raid.named == 0
    assert raid.ledger.cases() == []


def test_dismissed_flood_plans_nothing_more(raid):
    raid.flood(60)
    raid.work()
    before = deeds(raid)
    raid.ledger.set_case(1, "dismissed", by="human")
    raid.flood(20, first=100)
    raid.work()
    assert deeds(raid) == before


def test_files_from_before_the_bot_are_judged_in_their_own_lane(raid):
    raid.flood(2 * TOGETHER)
    raid.work()
    rests = raid.pipeline._judge._memory.rests  # of the one file that is left when those scanned together are joined
    rests.update(dict.fromkeys(rests, raid.clock.now() + timedelta(seconds=5)))
    (name,) = raid.flood(1, first=1000)
    raid.examine(name, lane=Lane.BACKLOG)
    raid.clock.pass_(seconds=5)
    tasks = {task.kind: task.lane for task in raid.ledger.take(LOOKING, limit=8, lease_seconds=60)}
    assert tasks == {TaskKind.EXAMINE: Lane.NEW, TaskKind.JUDGE: Lane.BACKLOG}


def test_who_stored_what_nothing_flags_is_not_asked(raid):
    asked = []
    real, raid.uploader = raid.uploader, lambda name: asked.append(name) or real(name)
    (harmless,) = raid.flood(1, data=OTHER)
    raid.examine(harmless)
    assert asked == []
    (flagged,) = raid.flood(1, first=2)
    raid.examine(flagged)
    assert asked == [flagged]
    raid.flood(60, first=3)
    raid.work()
    assert len(set(asked)) == 61, "each name of the file, once it is judged"


def test_scanning_goes_on_while_nobody_can_be_asked_who_stored_a_file(raid):
    def limited(name):
        raise RateLimitedError("message", retry_after=60.0)

    real, raid.uploader = raid.uploader, limited
    names = raid.flood(3)
    for name in names:
        raid.examine(name)
    assert {raid.ledger.file(raid.ledger.name(str(name)).file_id).scan is not None for name in names} == {True}
    assert not deeds(raid)["ban_account"]
    raid.uploader = real
    raid.clock.pass_(seconds=60)
    raid.work()
    assert deeds(raid) == {"report": 3, "remove": 3, "purge_file": 3, "ban_account": 3}


def test_the_more_files_a_flood_has_the_longer_each_of_them_rests(raid):
    judge, rests, now = raid.pipeline._judge, raid.pipeline._judge._memory.rests, raid.clock.now()
    for file_id in range(1, 31):
        judge._rest(file_id, 0.5)
    waits = [(rests[file_id] - now).total_seconds() for file_id in range(1, 31)]
    assert waits[:4] == [5, 10, 15, 20]
    assert waits[-1] == 120, "and no longer than that"
    raid.clock.pass_(seconds=300)
    judge._rest(1, 0.5)
    assert (rests[1] - raid.clock.now()).total_seconds() == 5
