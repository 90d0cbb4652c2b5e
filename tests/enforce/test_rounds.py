"""A case with more deeds than a server takes in a minute: bans first, in pieces, and no deed twice."""

from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import event

import making
from bot.domain.decisions import BanAccount, IntentState, PurgeFile, Remove, Report
from bot.domain.errors import UnreachableError
from bot.enforce import Enforcement
from bot.enforce.order import CROWD
from bot.enforce.rounds import DEAF, SLICE
from bot.ports import Lane, TaskKind

from .platform import Crash
from .test_apply import World


class Raid(World):
    """One picture in many posts of a few accounts; the order in which things were done."""

    def __init__(self, hands=1):
        self.hands = hands
        super().__init__()

    def restart(self):
        super().restart()
        self.order = []
        real = self.platform.apply

        def apply(intent):
            outcome = real(intent)
            self.order.append(intent)
            return outcome

        self.acting = Enforcement(
            self.ledger,
            {making.HERE: self.platform},
            self.clock,
            confirmed=self.confirmed.append,
            sleep=lambda seconds: self.clock.pass_(seconds=seconds),
            hands=self.hands,
        )
        self.platform.apply = apply

    def flood(self, posts, accounts, *, first=1, number=1, kinds=("report", "remove", "purge_file", "ban_account")):
        """The intents of ``posts`` posts, planned at once as one verdict does it."""
        subjects = [making.post(n, making.account(f"raider{n % accounts}")) for n in range(first, first + posts)]
        authors = {subject.author.uri: subject.author for subject in subjects}
        planned = {
            "report": [Report(instance=making.HERE, subject=one, text="t") for one in subjects],
            "remove": [Remove(instance=making.HERE, subject=one, text="t") for one in subjects],
            "purge_file": [PurgeFile(instance=making.HERE, name=making.alias(f"f{number}.png"), url="u")],
            "ban_account": [BanAccount(instance=making.HERE, account=one) for one in authors.values()],
        }
        return self.plan(*(intent for kind in kinds for intent in planned[kind]), number=number)

    def kinds(self):
        return [intent.kind for intent in self.order]

    def settle(self, case=1, rounds=400):
        for _ in range(rounds):
            progress = self.work(case)
            if progress.again_at is None:
                return
            self.clock.time = max(self.clock.time, progress.again_at)
        raise AssertionError("it never comes to an end")


@pytest.fixture(params=[1, 4], ids=["one hand", "four hands"])
def raid(request):
    made = Raid(hands=request.param)
    yield made
    made.ledger.close()


@pytest.fixture
def alone():
    made = Raid()
    yield made
    made.ledger.close()


def test_in_a_crowd_bans_come_after_the_reports_on_their_accounts_and_before_everything_else(raid):
    raid.flood(55, 4)
    raid.settle()
    assert Counter(raid.kinds()) == {"report": 55, "remove": 55, "purge_file": 1, "ban_account": 4}
    bans = {intent.account.uri: place for place, intent in enumerate(raid.order) if isinstance(intent, BanAccount)}
    for place, intent in enumerate(raid.order):
        if isinstance(intent, Report):
            assert place < bans[intent.subject.author.uri]
        else:
            assert isinstance(intent, BanAccount) or place > max(bans.values())
    assert raid.kinds()[-1] == "purge_file"


def test_each_removal_comes_after_the_report_on_its_post(raid):
    raid.flood(28, 4)
    raid.settle()
    reported = {intent.target: place for place, intent in enumerate(raid.order) if isinstance(intent, Report)}
    assert all(reported[i.target] < place for place, i in enumerate(raid.order) if isinstance(i, Remove))


def test_posts_that_are_planned_after_a_ban_do_not_keep_it_waiting(alone):
    alone.flood(20, 1)
    alone.flood(15, 1, first=21, kinds=("report", "remove"))
    alone.settle()
    (ban,) = [place for place, intent in enumerate(alone.order) if isinstance(intent, BanAccount)]
    assert alone.kinds()[: ban + 1] == ["report"] * 20 + ["ban_account"]


def test_a_round_ends_so_that_others_have_their_turn(alone):
    alone.flood(28, 4)
    progress = alone.work()
    assert len(alone.order) == SLICE
    assert progress.again_at == alone.clock.now()
    assert progress.lane is Lane.BANS


def test_a_case_without_bans_left_gets_out_of_the_way(alone):
    alone.flood(28, 1, kinds=("report", "remove"))
    assert alone.work().lane is Lane.DEEDS


def test_a_ban_waits_for_the_report_that_another_case_was_allowed_and_has_that_case_go_first(alone):
    first = alone.flood(60, 60, number=1, kinds=("report",))
    second = alone.flood(1, 1, number=2, kinds=())
    ban = BanAccount(instance=making.HERE, account=making.account("raider47"))
    alone.plan(ban, number=2)
    progress = alone.work(second)
    assert progress.first == [first]
    assert "ban_account" not in alone.kinds()
    alone.work(first)
    assert alone.order[0].subject.author.uri == ban.account.uri, "what a ban waits for comes first there"
    alone.work(second)
    assert alone.kinds().count("ban_account") == 1


def bans(*numbers):
    return [BanAccount(instance=making.HERE, account=making.account(f"raider{n}")) for n in numbers]


def banned(raid, case):
    done = [one for one in raid.ledger.intents(case=case, kind="ban_account") if one.state is IntentState.DONE]
    return [one.intent.account.local_id.removeprefix("id-raider") for one in done]


def test_accounts_that_another_case_has_banned_come_after_those_that_nobody_has(raid):
    first = raid.plan(*bans(*range(30)), number=1)
    raid.settle(first)
    second = raid.flood(60, 60, first=100, number=2, kinds=("remove",))
    raid.plan(*bans(*range(34)), number=2)
    raid.work(second)
    assert sorted(banned(raid, second)[-4:]) == ["30", "31", "32", "33"]
    assert len(banned(raid, second)) >= SLICE
    raid.settle(second)
    assert len(banned(raid, second)) == 34, "the others are taken all the same"


def test_case_that_only_repeats_bans_lets_those_go_first_that_have_others(alone):
    alone.settle(alone.plan(*bans(*range(3)), number=1))
    second = alone.flood(60, 60, first=100, number=2, kinds=("remove",))
    alone.plan(*bans(*range(3)), number=2)
    progress = alone.acting.work(second, alone.fence, lane=Lane.BANS)
    assert banned(alone, second) == alone.kinds()[3:] == []
    assert (progress.again_at, progress.lane) == (alone.clock.now(), Lane.DEEDS)
    assert alone.acting.work(second, alone.fence, lane=Lane.DEEDS).again_at is not None
    assert len(banned(alone, second)) == 3
    third = alone.flood(60, 60, first=300, number=3, kinds=("remove",))
    alone.plan(*bans(2, 3), number=3)
    alone.acting.work(third, alone.fence, lane=Lane.BANS)
    assert banned(alone, third) == ["2", "3"], "a round that bans somebody goes on"


def test_ban_that_was_taken_back_or_may_have_ended_is_in_a_hurry_again(alone):
    def lane_of(number):
        alone.plan(*bans(1), number=number)
        tasks = alone.ledger.take([TaskKind.ENFORCE], limit=9, lease_seconds=60)
        return next(task.lane for task in tasks if task.target == str(number))

    assert lane_of(1) is Lane.BANS
    alone.settle(1)
    assert lane_of(2) is Lane.DEEDS
    alone.clock.pass_(days=1)
    assert lane_of(3) is Lane.BANS
    alone.settle(3)
    alone.clock.pass_(seconds=1)
    assert lane_of(4) is Lane.DEEDS
    (done,) = alone.ledger.intents(case=3, kind="ban_account")
    alone.ledger.set_state(done.id, IntentState.UNDOING, by="human")
    alone.settle(3)
    assert lane_of(5) is Lane.BANS


def test_small_work_keeps_its_whole_order(alone):
    alone.flood(5, 2)
    assert alone.ledger.ready(most=1000) <= CROWD
    alone.settle()
    assert alone.kinds() == ["report"] * 5 + ["remove"] * 5 + ["purge_file"] + ["ban_account"] * 2


def test_a_server_that_cannot_be_asked_is_left_alone_for_a_while(alone):
    alone.flood(28, 4)
    asked = 0

    def deaf(_intent):
        nonlocal asked
        asked += 1
        raise UnreachableError("no answer", sent=False)

    real, alone.platform.verify = alone.platform.verify, deaf
    progress = alone.work()
    assert asked == DEAF
    assert progress.again_at > alone.clock.now()
    assert alone.work().again_at > alone.clock.now()
    alone.platform.verify = real
    alone.settle()
    assert Counter(alone.kinds()) == {"report": 28, "remove": 28, "purge_file": 1, "ban_account": 4}


def test_one_post_that_cannot_be_asked_about_keeps_no_other_waiting(alone):
    alone.flood(28, 4)
    real = alone.platform.verify
    poisoned = alone.ledger.intent(1).intent.target

    def verify(intent):
        if intent.target == poisoned and intent.kind == "report":
            raise UnreachableError("no answer", sent=False)
        return real(intent)

    alone.platform.verify = verify
    for _ in range(40):
        progress = alone.work()
        alone.clock.time = max(alone.clock.time, progress.again_at)
    left = {(r.intent.kind, r.intent.target) for r in alone.ledger.intents(states=(IntentState.READY,))}
    assert left == {("report", poisoned), ("remove", poisoned), ("purge_file", str(making.alias("f1.png")))}
    assert alone.kinds().count("ban_account") == 4


def test_held_reports_hold_their_removals_and_not_the_rest(alone):
    reports = [Report(instance=making.HERE, subject=making.post(n), text="t") for n in range(1, 31)]
    removals = [Remove(instance=making.HERE, subject=making.post(n), text="t") for n in range(1, 31)]
    alone.plan(*reports, *removals, hold=reports[:15])
    alone.settle()
    assert Counter(alone.kinds()) == {"report": 15, "remove": 15}


@pytest.mark.parametrize("fault", ["crash before", "crash after"])
def test_a_crash_in_one_of_many_hands_loses_nothing_and_doubles_nothing(fault):
    made = Raid(hands=4)
    made.flood(28, 4)
    made.platform.faults = ["", "", "", fault]
    with pytest.raises(Crash):
        made.settle()
    made.restart()
    made.settle()
    assert made.platform.done == {"report": 28, "remove": 28, "purge_file": 1, "ban_account": 4}
    assert {r.state for r in made.ledger.intents()} == {IntentState.DONE}
    made.ledger.close()


def test_undo_of_a_crowd_goes_in_pieces_backwards(alone):
    alone.flood(20, 3, kinds=("report", "remove", "ban_account"))
    alone.settle()
    for record in alone.ledger.intents():
        alone.ledger.set_state(record.id, IntentState.UNDOING, by="human")
    undone = []
    real = alone.platform.revert
    alone.platform.revert = lambda intent, before: (undone.append(intent.kind), real(intent, before))[1]
    alone.work()
    assert undone == ["ban_account"] * 3 + ["remove"] * (SLICE - 3)
    alone.settle()
    assert Counter(undone) == {"report": 20, "remove": 20, "ban_account": 3}


def test_work_for_each_deed_does_not_grow_with_the_case():
    """Statements and rows that are read from the ledger: a case of ten thousand is done in the time of ten thousand."""
    costs = {}
    for posts in (30, 90):
        made = Raid()
        made.flood(posts, 5)
        counted = Counter()
        event.listen(
            made.ledger._database.engine,
            "after_cursor_execute",
            lambda *_arguments, counted=counted: counted.update(["statements"]),
        )
        before = made.ledger.intent
        made.settle()
        costs[posts] = counted["statements"] / len(made.order)
        assert before(1).state is IntentState.DONE
        made.ledger.close()
    assert costs[90] < 1.1 * costs[30]


def test_tasks_of_a_case_come_back_in_the_lane_of_what_is_left(alone):
    alone.flood(28, 4)
    (task,) = alone.ledger.take([TaskKind.ENFORCE], limit=1, lease_seconds=60)
    assert task.lane is Lane.BANS
    alone.ledger.postpone(task, until=alone.clock.now(), reason="", count=False, lane=Lane.DEEDS)
    (task,) = alone.ledger.take([TaskKind.ENFORCE], limit=1, lease_seconds=60)
    assert task.lane is Lane.DEEDS
    alone.ledger.enqueue(TaskKind.ENFORCE, "1", Lane.BANS)
    alone.ledger.postpone(task, until=alone.clock.now(), reason="", count=False, lane=Lane.DEEDS)
    (task,) = alone.ledger.take([TaskKind.ENFORCE], limit=1, lease_seconds=60)
    assert task.lane is Lane.BANS, "somebody asked for that while it ran"
    assert replace(task, id=task.id) == task


@pytest.mark.parametrize("unasked", [False, True], ids=["failed", "could not be asked"])
def test_deed_whose_next_try_comes_due_while_a_round_lasts_is_not_forgotten(alone, unasked):
    alone.flood(1, 1, kinds=("remove",))
    if unasked:
        alone.platform.deaf = 1
    else:
        alone.platform.faults = ["fail"]
    again_at = alone.work().again_at
    assert again_at > alone.clock.now()
    alone.plan(Remove(instance=making.HERE, subject=making.post(99), text="t"))
    quick = alone.platform.apply

    def slow(intent):
        alone.clock.time = max(alone.clock.time, again_at) + timedelta(seconds=1)
        return quick(intent)

    alone.platform.apply = slow
    alone.clock.time = again_at - timedelta(seconds=0.5)
    progress = alone.work()
    assert len(alone.order) == (1 if unasked else 2)
    assert progress.again_at is not None, "it was not due when its turn was, and is now"
    alone.settle()
    assert set(alone.states().values()) == {IntentState.DONE}
