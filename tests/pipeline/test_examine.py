"""One file through the stages, with a ledger that is real and a world that is not."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import replace
from datetime import timedelta

import pytest

import making
from bot.attribution import Index
from bot.domain.content import MediaRef, RemoteUrl, Role, Sighting, StoredFile
from bot.domain.decisions import Hold, HoldReason, IntentState
from bot.domain.errors import NotLoggedInError, PlatformError, UnreachableError, WorkerStartError
from bot.domain.evidence import Evidence, Hit, ListMode, MatchedBy, Score, Unscannable, UnscannableKind
from bot.enforce import LONGEST_WAIT, Enforcement, back_off
from bot.ledger import open_ledger
from bot.pipeline import Pipeline, Stages
from bot.pipeline.patience import TRIES
from bot.pipeline.run import OPINIONS, STOPS
from bot.pipeline.standing import Limiter
from bot.policy import Breaker, Condition, Guard, Limits, Quotas
from bot.ports import Batch, Decoded, Fetched, Gone, Instance, Lane, TaskKind
from enforce.platform import Platform

BAD = b"the bytes that the list names"
CLAY = b"the bytes that score high"
THUMB = b"a thumbnail of the bytes that the list names"
OTHER = b"something else"


class World:
    """Everything around the pipeline, for a test to change."""

    def __init__(self):
        self.clock = making.StillClock()
        self.ledger = open_ledger("sqlite://", clock=self.clock)
        self.files = {}  # url -> bytes or Unscannable
        self.scores = {CLAY: 0.95}
        self.pdq = {BAD: "0" * 64, THUMB: "0" * 63 + "1"}
        self.pixels = {}
        self.listed = {hashlib.sha256(BAD).hexdigest()}
        self.undecodable = set()
        self.stops = set()  # bytes at which the decoder is stopped
        self.stopped = 0
        self.no_worker = False
        self.uploads = {}
        self.list_is_whole = True  # or what the resolver raises for that
        self.staff = set()
        self.subjects = []
        self.trouble = None  # what the resolver raises for names
        self.gaps = ()
        self.fetches = 0
        instance = Instance(
            id=making.HERE,
            platform="lemmy",
            sources=[self],
            resolver=self,
            enforcer=Platform(),
            inspector=None,
            hosts=(),
        )
        instances = {making.HERE: instance}
        self.pipeline = Pipeline(
            Stages(
                ledger=self.ledger,
                instances=instances,
                index=Index(self.ledger, {making.HERE: self}),
                fetcher=self,
                decoder=self,
                matcher=self,
                scorer=self,
                rules=[making.rule(), making.scored()],
                guard=Guard(limits=Limits(irreversible=frozenset({"purge_file"}), evidence="none")),
                limiter=Limiter(self.ledger, self.clock, breaker=Breaker(least=3), window=timedelta(hours=1)),
                enforcement=Enforcement(self.ledger, {making.HERE: Platform()}, self.clock, confirmed=lambda _: None),
                clock=self.clock,
                staff=lambda instances: dict.fromkeys(instances, self.staff),
            )
        )

    # resolver and source
    def names(self, name):
        if self.trouble is not None:
            raise self.trouble
        return []

    def uploader(self, name):
        return self.uploads.get(name)

    def lists_all_uploads(self):
        if isinstance(self.list_is_whole, PlatformError):
            raise self.list_is_whole
        return self.list_is_whole

    def digest(self, name):
        return None

    def named(self, url):
        return RemoteUrl(value=url)

    def address(self, name):
        return making.address(name)

    def uses(self, name):
        return [s.subject for s in self.subjects]

    def read(self, key):
        found = [s for s in self.subjects if s.subject.key == key]
        return Batch(sightings=found) if found else Gone(detail="gone")

    # media, lists, detectors
    async def fetch(self, url):
        self.fetches += 1
        data = self.files[url]
        if isinstance(data, Unscannable):
            return data
        return Fetched(url=url, final_url=url, data=data, declared_type="image/png")

    async def decode(self, data, views):
        if self.no_worker:
            raise WorkerStartError("a decode worker did not start")
        if data in self.stops:
            self.stopped += 1
            return Unscannable(kind=UnscannableKind.KILLED, detail="the decoder was stopped: out of memory")
        if data in self.undecodable:
            return Unscannable(kind=UnscannableKind.BROKEN, detail="no picture in it")
        self.decoded = data
        return Decoded(
            media_type="image/png",
            width=1,
            height=1,
            frames=1,
            pixels=self.pixels.get(data, hashlib.sha256(b"pixels" + data).hexdigest()),
            pdq=self.pdq.get(data, hashlib.sha256(data).hexdigest()),
            pdq_quality=100,
            views={},
        )

    revisions = {"nsfw": "1"}  # noqa: RUF012  a test may change it
    passed_over = {}  # noqa: RUF012  the same
    views = ()

    async def score(self, decoded):
        value = self.scores.get(self.decoded, 0.01)
        revision = self.revisions.get("nsfw", "1")
        return [Score(detector="nsfw", revision=revision, label="nsfw", value=value)], self.gaps

    def match(self, *, sha256, pixels, pdq, pdq_quality, looks=()):
        if sha256 not in self.listed:
            return []
        return [Hit(list_id="bad", mode=ListMode.BLOCK, by=MatchedBy.SHA256, entry=sha256)]

    # what tests do
    def see(self, data, name="a.png", post=1, author=None, role=Role.ATTACHMENT):
        name = making.alias(name)
        self.files[making.address(name)] = data
        seen = making.sighting(making.post(post, author), name, role=role)
        self.ledger.record("", Batch(sightings=[seen]), examine_uploads=False)
        return name

    def examine(self, name):
        return asyncio.run(self.pipeline.examine(str(name)))

    def run_tasks(self, kind=TaskKind.EXAMINE):
        for task in self.ledger.take([kind], limit=10, lease_seconds=60):
            asyncio.run(self.pipeline.run(task, None))

    def intents(self, case=1):
        return {(r.intent.kind, r.intent.target): r for r in self.ledger.intents(case=case)}

    def states(self, case=1):
        return {kind: (r.state, tuple(r.reasons)) for (kind, _), r in self.intents(case).items()}


@pytest.fixture
def world():
    made = World()
    yield made
    made.ledger.close()


READY = (IntentState.READY, ())


def test_listed_file_of_a_known_uploader_is_dealt_with(world):
    world.uploads[making.alias()] = making.upload()
    world.examine(world.see(BAD))
    assert world.states() == dict.fromkeys(("report", "remove", "purge_file", "ban_account"), READY)


def test_what_somebody_stored_who_is_staff_by_now_is_planned_and_held(world):
    world.uploads[making.alias()] = making.upload()
    world.staff = {making.account().local_id}
    world.examine(world.see(BAD, author=making.account("carol")))
    assert world.states() == {
        "report": READY,
        "remove": READY,
        "purge_file": (IntentState.HELD, (HoldReason.PROTECTED, HoldReason.SHARED_FILE)),
        "ban_account": (IntentState.HELD, (HoldReason.PROTECTED,)),
    }


def test_clean_file_makes_no_case(world):
    world.examine(world.see(OTHER))
    assert world.ledger.cases() == []


def test_known_bytes_are_not_looked_at_again_under_another_name(world):
    world.examine(world.see(OTHER))
    scan = world.examine(world.see(OTHER, name="b.png", post=2))
    assert isinstance(scan, Evidence)
    record = world.ledger.name(str(making.alias("b.png")))
    assert world.ledger.file(record.file_id).id == world.ledger.name(str(making.alias())).file_id


def test_new_list_entry_hits_a_file_that_was_scanned_before(world):
    name = world.see(OTHER)
    world.examine(name)
    world.listed.add(hashlib.sha256(OTHER).hexdigest())
    world.examine(name)
    assert len(world.ledger.cases()) == 1


def test_purge_waits_while_the_other_names_of_a_file_are_unknown(world):
    world.uploads[making.alias()] = making.upload()
    world.trouble = NotLoggedInError("wrong key")
    name = world.see(BAD)
    with pytest.raises(NotLoggedInError):
        world.examine(name)
    assert set(world.states()) == {"report", "remove", "ban_account"}
    world.trouble = None
    world.examine(name)
    assert world.states()["purge_file"] == READY


def test_purge_held_for_an_unknown_uploader_is_released_when_he_is_known(world):
    name = world.see(BAD)
    world.examine(name)
    assert world.states()["purge_file"] == (IntentState.HELD, (HoldReason.SHARED_FILE,))
    world.uploads[name] = making.upload()
    world.examine(name)
    assert world.states()["purge_file"] == READY
    assert world.states()["ban_account"] == READY


def test_uploader_that_the_server_does_not_tell_holds_no_purge_of_what_one_account_shows(world):
    world.list_is_whole = UnreachableError("down", sent=False)
    name = world.see(BAD)
    with pytest.raises(UnreachableError):
        world.examine(name)
    assert "purge_file" not in world.states()
    world.list_is_whole = False
    world.examine(name)
    assert world.states()["purge_file"] == READY
    world.examine(world.see(BAD, post=2, author=making.account("carol")))
    held = (IntentState.HELD, (HoldReason.SHARED_FILE,))
    assert world.states()["purge_file"] == held, "another one shows it under the same name"


def test_purge_is_held_when_somebody_else_turns_out_to_show_the_file(world):
    world.uploads[making.alias()] = making.upload()
    world.examine(world.see(BAD))
    assert world.states()["purge_file"] == READY
    world.examine(world.see(BAD, post=2, author=making.account("carol")))
    assert world.states()["purge_file"] == (IntentState.HELD, (HoldReason.SHARED_FILE,))


def test_places_that_no_feed_brought_are_asked_for_before_a_purge(world):
    world.uploads[making.alias()] = making.upload()
    world.subjects = [making.sighting(making.comment(9, making.account("carol")))]
    world.examine(world.see(BAD))
    assert world.states()["purge_file"] == (IntentState.HELD, (HoldReason.SHARED_FILE,))
    assert ("remove", "here/comment/9") in world.intents()


def test_thumbnail_joins_the_case_of_its_picture_whichever_is_seen_first(world):
    world.uploads[making.alias()] = making.upload()
    thumbnail = world.see(THUMB, name="t.png", role=Role.THUMBNAIL)
    world.examine(thumbnail)
    assert world.ledger.cases() == []
    world.examine(world.see(BAD))
    assert ("purge_file", str(thumbnail)) in world.intents()

    second = World()
    second.uploads[making.alias()] = making.upload()
    second.examine(second.see(BAD))
    thumbnail = second.see(THUMB, name="t.png", role=Role.THUMBNAIL)
    second.examine(thumbnail)
    assert ("purge_file", str(thumbnail)) in second.intents()
    second.ledger.close()


@pytest.fixture
def small(world):
    """A listed picture that the server makes no smaller one of: its thumbnail has other bytes and the same pixels."""
    world.listed.add(hashlib.sha256(THUMB).hexdigest())
    world.pixels = dict.fromkeys((BAD, THUMB), "f" * 64)
    world.uploads[making.alias()] = making.upload()
    return world


def test_listed_thumbnail_of_a_listed_picture_goes_with_it_and_is_not_judged_itself(small):
    small.examine(small.see(BAD))
    thumbnail = small.see(THUMB, name="t.png", role=Role.THUMBNAIL)
    small.examine(thumbnail)
    (case,) = small.ledger.cases()
    assert case.files == (1,)
    assert ("purge_file", str(thumbnail)) in small.intents()


def test_listed_thumbnail_that_somebody_shows_elsewhere_is_dealt_with_there(small):
    small.examine(small.see(BAD))
    thumbnail = small.see(THUMB, name="t.png", role=Role.THUMBNAIL)
    small.examine(thumbnail)
    small.see(THUMB, name="t.png", post=2, author=making.account("bob"))
    small.examine(thumbnail)
    assert {target for kind, target in small.intents() if kind == "remove"} == {"here/post/1", "here/post/2"}


def test_ban_on_a_listed_uploader_stands_although_the_listed_thumbnail_tells_less_of_him(small):
    small.examine(small.see(BAD))
    thumbnail = small.see(THUMB, name="t.png", role=Role.THUMBNAIL)
    small.see(THUMB, name="t.png", post=2, author=making.account("bob"))
    small.examine(thumbnail)
    assert small.ledger.cases()[0].files == (1, 2)
    assert small.states()["ban_account"] == READY


def test_custom_thumbnail_that_somebody_uploaded_is_not_purged_with_the_picture(world):
    world.uploads = {
        making.alias(): making.upload(),
        making.alias("t.png"): making.upload(making.alias("t.png"), making.account("victim")),
    }
    for upload in world.uploads.values():
        world.ledger.add_upload(upload)
    world.examine(world.see(OTHER, name="t.png", role=Role.THUMBNAIL))
    world.examine(world.see(BAD))
    assert [target for kind, target in world.intents() if kind == "purge_file"] == [str(making.alias())]


def test_thumbnail_that_shows_something_else_is_judged_by_itself(world):
    world.examine(world.see(OTHER))
    world.examine(world.see(CLAY, name="t.png", role=Role.THUMBNAIL))
    assert "nsfw/nsfw at threshold 0.8" in world.ledger.cases()[0].headline


def test_listed_bytes_that_cannot_be_decoded_are_a_hit_with_a_gap(world):
    world.undecodable.add(BAD)
    scan = world.examine(world.see(BAD))
    assert isinstance(scan, Evidence)
    assert scan.gaps == ("decode: broken: no picture in it",)
    assert len(world.ledger.cases()) == 1


def test_other_bytes_that_cannot_be_decoded_are_neither_clean_nor_flagged(world):
    world.undecodable.add(OTHER)
    scan = world.examine(world.see(OTHER))
    assert isinstance(scan, Unscannable)
    assert world.ledger.cases() == []
    assert world.ledger.counts()["unscannable"] == 1


def test_file_that_is_gone_later_keeps_what_was_known_of_its_bytes(world):
    name = world.see(BAD)
    world.examine(name)
    world.files[making.address(name)] = Unscannable(kind=UnscannableKind.GONE, detail="404")
    world.examine(name)
    assert isinstance(world.ledger.file(world.ledger.name(str(name)).file_id).scan, Evidence)


def test_detector_that_is_down_is_asked_again(world):
    world.gaps = ("nsfw: unavailable",)
    world.see(OTHER)
    world.run_tasks()
    assert world.ledger.backlog_size() == {"waiting/examine": 1}
    assert "unavailable" in world.ledger.troubles()[0].reason


def test_file_stays_queued_and_counted_however_long_its_detector_is_down(world):
    world.gaps = ("nsfw: unavailable",)
    world.see(OTHER)
    kept = set()
    for _ in range(TRIES + 3):
        world.run_tasks()
        world.clock.pass_(hours=25)
        kept |= {looked.scan_id for looked in world.ledger.looked_at(limit=9)}
    assert len(kept) == 1, "it is looked at each time, and nothing new is to be kept"
    assert world.ledger.backlog_size() == {"waiting/examine": 1}
    assert world.ledger.detectors_out() == {"nsfw": 1}
    world.gaps = ()
    world.run_tasks()
    assert world.ledger.backlog_size() == {}
    assert world.ledger.file_by_sha256(hashlib.sha256(OTHER).hexdigest()).scan.gaps == ()


def test_pause_stays_an_hour_however_often_something_was_tried():
    assert back_off(3) == 8
    assert back_off(5000) == LONGEST_WAIT


def test_file_that_a_second_detector_passed_over_is_looked_at_again_only_when_the_bar_is_another(world):
    world.revisions = {"nsfw": "1", "large": "7"}
    world.passed_over = {"large": "large: not needed, nsfw/nsfw is below 0.3"}
    world.gaps = (world.passed_over["large"],)
    world.examine(world.see(OTHER))
    world.decoded = None
    world.examine(world.see(OTHER, name="b.png", post=2))
    assert world.decoded is None
    world.passed_over = {"large": "large: not needed, nsfw/nsfw is below 0.001"}
    world.examine(world.see(OTHER, name="c.png", post=3))
    assert world.decoded == OTHER


@pytest.mark.parametrize("gap", ["large: failed, revision 7", "large: failed"])
def test_file_that_a_detector_failed_on_is_looked_at_again_by_another_revision(world, gap):
    world.revisions = {"nsfw": "1", "large": "7"}
    world.gaps = (gap,)
    world.examine(world.see(OTHER))
    world.decoded = None
    world.examine(world.see(OTHER, name="b.png", post=2))
    assert world.decoded == (OTHER if gap == "large: failed" else None), "a gap of old names no revision"
    world.revisions = {"nsfw": "1", "large": "8"}
    world.examine(world.see(OTHER, name="c.png", post=3))
    assert world.decoded == OTHER


def removed(world):
    return sorted(one.intent.subject.local_id for one in world.ledger.intents() if one.intent.kind == "remove")


def test_post_that_is_told_of_after_its_picture_was_purged_is_dealt_with(world):
    world.uploads[making.alias()] = making.upload()
    world.see(BAD)
    world.run_tasks()
    late = making.sighting(making.post(7), making.alias())
    world.files[making.address(making.alias())] = Unscannable(kind=UnscannableKind.GONE, detail="404")
    world.ledger.record("", Batch(sightings=[late]), examine_uploads=False)
    world.run_tasks()
    assert removed(world) == ["1", "7"]
    assert world.ledger.backlog_size().get("waiting/examine") is None


@pytest.mark.parametrize("instead", ["a page", "nothing"])
def test_alias_stands_for_what_it_stood_for_whatever_is_served_in_its_place(world, instead):
    world.uploads[making.alias()] = making.upload()
    world.see(BAD)
    world.run_tasks()
    file_id = world.ledger.name(str(making.alias())).file_id
    page = b"<html>502</html>"
    world.undecodable.add(page)
    away = Unscannable(kind=UnscannableKind.UNREACHABLE, detail="HTTP 502", retry_at=world.clock.now())
    world.files[making.address(making.alias())] = page if instead == "a page" else away
    late = making.sighting(making.post(7), making.alias())
    world.ledger.record("", Batch(sightings=[late]), examine_uploads=False)
    world.run_tasks()
    assert removed(world) == ["1", "7"]
    assert world.ledger.name(str(making.alias())).file_id == file_id
    assert isinstance(world.ledger.file(file_id).scan, Evidence)


def link(world, number, far):
    """A post that shows an address of another server, as its feed tells of it now."""
    media = MediaRef(url=far.value, role=Role.ATTACHMENT)
    seen = Sighting(subject=making.post(number), media=media, name=far, seen_at=world.clock.now())
    world.ledger.record("", Batch(sightings=[seen]), examine_uploads=False)
    return seen


@pytest.mark.parametrize("asked", [True, False])
def test_who_linked_what_was_something_else_then_is_asked_for_again_and_left_alone_if_edited(world, asked):
    far = RemoteUrl(value="https://far.example/a.png")
    world.files[far.value] = OTHER
    link(world, 1, far)
    still_shown = link(world, 2, far)
    world.clock.pass_(seconds=1)
    world.run_tasks()
    world.clock.pass_(minutes=1)
    world.files[far.value] = BAD
    new = link(world, 7, far)
    world.clock.pass_(seconds=1)
    world.run_tasks()
    assert removed(world) == [], "nobody was seen to show these bytes yet"
    world.clock.pass_(seconds=1)
    if asked:
        world.subjects = [replace(one, seen_at=world.clock.now()) for one in (still_shown, new)]
        world.run_tasks(TaskKind.REVISIT)
    else:
        link(world, 2, far)
        link(world, 7, far)
    world.run_tasks(TaskKind.JUDGE)
    assert removed(world) == ["2", "7"]


def test_a_place_that_was_edited_is_asked_for_once_however_often_the_file_is_judged(world):
    far = RemoteUrl(value="https://far.example/a.png")
    for data in (OTHER, BAD):
        world.files[far.value] = data
        link(world, len(data), far)
        world.clock.pass_(minutes=20)
        world.run_tasks()
    world.run_tasks(TaskKind.REVISIT)
    world.clock.pass_(minutes=20)
    world.run_tasks(TaskKind.REVISIT)  # the second look
    assert not world.ledger.wanted(TaskKind.REVISIT, str(making.post(len(OTHER)).key))
    asyncio.run(world.pipeline.examine(str(far)))
    assert not world.ledger.wanted(TaskKind.REVISIT, str(making.post(len(OTHER)).key))


def test_what_another_server_has_no_more_may_have_been_something_else(world):
    far = RemoteUrl(value="https://far.example/a.png")
    world.files[far.value] = BAD
    for number in (1, 7):
        seen = Sighting(
            subject=making.post(number),
            media=MediaRef(url=far.value, role=Role.ATTACHMENT),
            name=far,
            seen_at=world.clock.now(),
        )
        world.ledger.record("", Batch(sightings=[seen]), examine_uploads=False)
        world.run_tasks()
        world.files[far.value] = Unscannable(kind=UnscannableKind.GONE, detail="404")
    assert removed(world) == ["1"]


def test_no_deed_follows_from_what_another_revision_said(world):
    world.see(OTHER)
    world.run_tasks()
    file = world.ledger.file_by_sha256(hashlib.sha256(OTHER).hexdigest())
    before = Score(detector="nsfw", revision="0", label="nsfw", value=0.99)
    world.ledger.save_scan(file.id, replace(file.scan, scores=[before]))
    world.decoded = None
    world.ledger.enqueue(TaskKind.JUDGE, str(file.id), Lane.DEEDS)
    world.run_tasks(TaskKind.JUDGE)
    assert world.ledger.cases() == []
    world.scores[OTHER] = 0.99
    world.run_tasks()
    assert world.decoded == OTHER, "today's detector looks at it"
    assert len(world.ledger.cases()) == 1


def test_decoder_that_was_stopped_gets_the_file_again(world):
    world.stops = {OTHER}
    world.see(OTHER)
    for _ in range(6):
        world.run_tasks()
        world.clock.pass_(hours=1)
    assert world.stopped == STOPS
    assert [trouble.reason for trouble in world.ledger.troubles()] == ["killed: the decoder was stopped: out of memory"]


def test_file_waits_for_decode_workers_however_long_none_can_be_started(world):
    world.no_worker = True
    world.see(OTHER)
    for _ in range(2 * TRIES):
        world.run_tasks()
        world.clock.pass_(hours=25)
    assert world.ledger.backlog_size() == {"waiting/examine": 1}
    world.no_worker = False
    world.run_tasks()
    assert world.ledger.backlog_size() == {}


def test_poisoned_item_is_postponed_and_the_next_passes(world):
    world.see(OTHER)
    del world.files[making.address(making.alias())]  # the fetcher itself breaks: KeyError
    world.see(BAD, name="b.png", post=2)
    world.run_tasks()
    assert len(world.ledger.cases()) == 1
    assert "KeyError" in world.ledger.troubles()[0].reason


def test_platform_that_cannot_be_asked_postpones_the_task_with_its_words(world):
    world.trouble = UnreachableError("the server is down", sent=False)
    world.see(BAD)
    world.run_tasks()
    assert world.ledger.troubles()[0].reason == "the server is down"


def test_quota_is_spent_within_one_verdict_too(world):
    limits = Limits(irreversible=frozenset({"purge_file"}), evidence="none", quotas=Quotas(per_hour={"report": 1}))
    object.__setattr__(world.pipeline._judge._s, "guard", Guard(limits=limits))
    world.uploads[making.alias()] = making.upload()
    world.see(BAD, post=2)
    world.examine(world.see(BAD))
    reports = [r.state for (kind, _), r in world.intents().items() if kind == "report"]
    assert sorted(reports) == [IntentState.HELD, IntentState.READY]


def test_dismissed_case_plans_nothing_more(world):
    name = world.see(BAD)
    world.examine(name)
    world.ledger.set_case(1, "dismissed", by="human")
    before = set(world.intents())
    world.examine(world.see(BAD, post=3, author=making.account("bob")))
    assert set(world.intents()) == before


def test_after_an_undo_nothing_new_is_done_without_a_human(world):
    world.uploads[making.alias()] = making.upload()
    world.examine(world.see(BAD))
    world.ledger.set_case(1, "undone", by="human")
    world.examine(world.see(BAD, post=3))
    assert {r.state for (_, target), r in world.intents().items() if target == "here/post/3"} == {IntentState.HELD}


def test_word_of_a_foreign_server_about_its_own_file_counts_for_nothing(world):
    """Its ETag may name any file: only our own server's saves a download, and only the bytes decide."""
    world.digest = lambda name: hashlib.sha256(BAD).hexdigest()
    world.examine(world.see(BAD, author=making.account("elsewhere")))
    cases = len(world.ledger.cases())
    url = "https://elsewhere.example/pictrs/image/a.png"
    world.files[url] = OTHER
    remote = Sighting(
        subject=making.post(2),
        media=MediaRef(url=url, role=Role.ATTACHMENT),
        name=RemoteUrl(value=url),
        seen_at=making.NOW,
    )
    world.ledger.record("", Batch(sightings=[remote]), examine_uploads=False)
    before = world.fetches
    scan = world.examine(remote.name)
    assert world.fetches == before + 1
    assert scan.hits == ()
    assert len(world.ledger.cases()) == cases


def see_many(world, count, *, data=b"high ", author=None):
    """Different files that all score high."""
    for number in range(count):
        one = data + str(number).encode()
        world.scores[one] = 0.95
        world.examine(world.see(one, name=f"{number}.png", post=100 + number, author=author))


def test_breaker_opens_and_stays_open_until_somebody_closes_it(world):
    see_many(world, 4)
    assert [trip.rule_id for trip in world.ledger.trips()] == ["scored"]
    states = {r.state for r in world.ledger.intents() if r.intent.kind in {"report", "remove"}}
    assert states == {IntentState.HELD}  # those that were ready when it opened too
    assert {r for i in world.ledger.intents() for r in i.reasons} >= {HoldReason.BREAKER}
    world.uploads[making.alias("known.png")] = making.upload(making.alias("known.png"))
    world.examine(world.see(BAD, name="known.png", post=500))
    exact = {r.intent.kind: r.state for r in world.ledger.intents() if r.because.exact}
    assert set(exact.values()) == {IntentState.READY}  # exact hits obey quotas alone
    world.clock.pass_(seconds=1)
    world.ledger.close_breaker("scored", by="ann")
    see_many(world, 1, data=b"later ")
    assert world.ledger.trips() == []  # counting anew
    newest = [r for r in world.ledger.intents() if r.intent.kind == "report"][-1]
    assert newest.state is IntentState.READY


def test_breaker_stays_closed_where_few_of_many_files_are_flagged(world):
    world.pipeline._judge._s.limiter._breaker = Breaker(share=0.5, least=3)
    for number in range(8):
        world.examine(world.see(f"low {number}".encode(), name=f"low{number}.png", post=200 + number))
    see_many(world, 4)
    assert world.ledger.trips() == []


def test_while_acting_is_stopped_everything_new_is_held_and_scanning_goes_on(world):
    world.ledger.stop_acting(by="ann", why="a bad night")
    world.uploads[making.alias()] = making.upload()
    world.examine(world.see(BAD))
    assert world.ledger.counts()["scanned"] == 1
    assert {tuple(r.reasons) for r in world.intents().values()} == {(HoldReason.STOPPED,)}
    assert {r.detail for r in world.intents().values()} == {"acting was stopped by ann"}


def test_first_deeds_of_a_new_rule_wait_until_enough_were_approved(world):
    object.__setattr__(world.pipeline._judge._s, "rules", [making.rule(hold_first=2, then=["report", "remove"])])
    world.examine(world.see(BAD))
    assert {tuple(r.reasons) for r in world.intents().values()} == {(HoldReason.FIRST_DEEDS,)}
    for record in world.intents().values():
        world.ledger.set_state(record.id, IntentState.READY, by="ann", approve=True)
    world.examine(world.see(BAD, name="b.png", post=2))
    newest = world.intents()[("report", "here/post/2")]
    assert newest.state is IntentState.READY


def test_quota_for_one_account_leaves_the_others_alone(world):
    limits = Limits(quotas=Quotas(per_account={"report": 1}))
    object.__setattr__(world.pipeline._judge._s, "guard", Guard(limits=limits))
    for post, author in ((1, "ann"), (2, "ann"), (3, "bob")):
        world.examine(world.see(BAD, name=f"{post}.png", post=post, author=making.account(author)))
    states = {target: r.state for (kind, target), r in world.intents().items() if kind == "report"}
    assert states == {
        "here/post/1": IntentState.READY,
        "here/post/2": IntentState.HELD,
        "here/post/3": IntentState.READY,
    }


def test_rule_for_accounts_of_which_little_was_seen(world):
    when = Condition(lists=("bad",), account_items_below=2)
    object.__setattr__(world.pipeline._judge._s, "rules", [making.rule(when=when, then=["report"])])
    world.see(OTHER, name="o.png", post=10, author=making.account("old"))
    world.examine(world.see(BAD, name="a.png", post=11, author=making.account("old")))
    world.examine(world.see(BAD, name="b.png", post=12, author=making.account("new")))
    assert [target for _, target in world.intents()] == ["here/post/12"]


def test_posts_of_one_account_that_are_found_together_are_reported_together(world):
    world.pipeline = Pipeline(
        replace(world.pipeline._s, names_several=frozenset({making.HERE}), rules=[making.rule(then=("report",))])
    )
    names = [world.see(BAD, f"{number}.png", post=number) for number in range(1, 4)]
    other = world.see(BAD, "4.png", post=4, author=making.account("bob"))
    for name in [*names, other]:  # all are known to be the same bytes before the first is judged
        world.ledger.bind(name, hashlib.sha256(BAD).hexdigest())
    for name in [*names, other]:
        world.examine(name)
    reports = [[subject.local_id for subject in record.intent.subjects] for record in world.ledger.intents()]
    assert reports == [["1", "2", "3"], ["4"]]
    late = world.see(BAD, "5.png", post=5)
    world.examine(late)
    reports = [[subject.local_id for subject in record.intent.subjects] for record in world.ledger.intents()]
    assert reports == [["1", "2", "3"], ["4"], ["5"]], "no post is reported twice"


def test_what_one_file_justified_is_not_doubted_for_another_one_of_the_case(world):
    copy, real = b"other bytes that show the same pixels", world.decode

    async def decode(data, views):
        return await real(BAD if data == copy else data, views)

    world.decode = decode
    world.listed.add(hashlib.sha256(copy).hexdigest())
    picture = world.see(BAD, "a.png", post=1)
    world.uploads[picture] = making.upload(picture)
    world.examine(picture)
    linked = RemoteUrl(value="https://here.example/somewhere/a.png")
    world.files[linked.value] = copy
    link = MediaRef(url=linked.value, role=Role.LINK)
    seen = Sighting(subject=making.post(2), media=link, name=linked, seen_at=making.NOW)
    world.ledger.record("", Batch(sightings=[seen]), examine_uploads=False)
    world.examine(linked)
    assert len(world.ledger.cases()) == 1
    bans = [record for record in world.ledger.intents() if record.intent.kind == "ban_account"]
    assert [(ban.state, ban.reasons) for ban in bans] == [(IntentState.READY, ())]


def test_ban_stands_although_the_listed_thumbnail_was_judged_before_its_picture(small, monkeypatch):
    async def later(*_arguments, **_more):
        """Another hand does it."""

    picture = small.see(BAD)
    thumbnail = small.see(THUMB, name="t.png", role=Role.THUMBNAIL)
    small.examine(thumbnail)
    with monkeypatch.context() as patch:
        patch.setattr(type(small.pipeline._judge), "judge", later)
        small.examine(picture)
    own, original = (small.ledger.name(str(name)).file_id for name in (thumbnail, picture))
    small.pipeline._s.index.asking.complete(original)
    asyncio.run(small.pipeline._judge.judge(own))
    assert small.states()["ban_account"] == (IntentState.HELD, (HoldReason.WEAK_ATTRIBUTION,))
    asyncio.run(small.pipeline._judge.judge(original))
    assert small.states()["ban_account"] == READY
    asyncio.run(small.pipeline._judge.judge(own))
    assert small.states()["ban_account"] == READY


def test_ban_is_released_that_the_thumbnail_planned_while_its_picture_was_judged(small, monkeypatch):
    picture = small.see(BAD)
    thumbnail = small.see(THUMB, name="t.png", role=Role.THUMBNAIL)
    small.examine(thumbnail)
    own = small.ledger.name(str(thumbnail)).file_id
    ask, keep, meanwhile = small.ledger.unplanned, small.ledger.add_verdict, []

    def asked(case, wanted):
        new = ask(case, wanted)
        meanwhile.extend(intent for intent in new if intent.kind == "ban_account")
        return new

    def kept(case, file_id, verdict, decisions):
        if meanwhile:  # the other hand was faster
            held = Hold(reasons=(HoldReason.WEAK_ATTRIBUTION,))
            keep(case, own, replace(verdict, intents=meanwhile), [(ban, held) for ban in meanwhile])
            meanwhile.clear()
        return keep(case, file_id, verdict, decisions)

    monkeypatch.setattr(small.ledger, "unplanned", asked)
    monkeypatch.setattr(small.ledger, "add_verdict", kept)
    small.examine(picture)
    assert small.states()["ban_account"] == READY


def store(world, data, *, backlog=False):
    """A file that only the file store knows: nobody shows it, and no upload list names it."""
    name = making.alias("orphan.png")
    world.files[making.address(name)] = data
    sha256 = hashlib.sha256(data).hexdigest()
    file = StoredFile(name=name, url=making.address(name), sha256=sha256, stored_at=world.clock.now(), backlog=backlog)
    world.ledger.record("here/files", Batch(files=[file]), examine_uploads=True)
    world.run_tasks()


def test_listed_file_that_only_the_store_knows_is_purged(world):
    store(world, BAD)
    assert world.states() == {"purge_file": READY}


def test_file_that_the_store_had_before_the_bot_goes_no_further_than_the_backlog(world):
    store(world, BAD, backlog=True)
    assert world.states() == {"purge_file": (IntentState.HELD, (HoldReason.STAGE,))}


def test_score_alone_purges_nothing_that_only_the_store_knows(world):
    store(world, CLAY)
    (state, reasons) = world.states()["purge_file"]
    assert (state, HoldReason.NEEDS_APPROVAL in reasons) == (IntentState.HELD, True)


PAGE = Unscannable(kind=UnscannableKind.NOT_MEDIA, detail="html")


def looks(world):
    """How often something is fetched in the time to come."""
    began = world.fetches
    for _ in range(40):
        world.run_tasks()
        world.clock.pass_(hours=1)
    return world.fetches - began


def test_page_in_the_place_of_a_file_of_our_own_server_is_asked_again_and_shown(world):
    name = world.see(BAD)
    world.files[making.address(name)] = PAGE
    world.run_tasks()
    world.files[making.address(name)] = BAD
    world.clock.pass_(minutes=1)
    world.run_tasks()
    assert len(world.ledger.cases()) == 1

    lost = world.see(OTHER, name="lost.png", post=2)
    world.files[making.address(lost)] = PAGE
    assert looks(world) > OPINIONS
    assert world.ledger.backlog_size()["waiting/examine"] == 1


def test_page_of_another_server_is_believed_when_it_comes_again_and_again(world):
    far = RemoteUrl(value="https://far.example/a.png")
    world.files[far.value] = PAGE
    seen = Sighting(
        subject=making.post(),
        media=MediaRef(url=far.value, role=Role.ATTACHMENT),
        name=far,
        seen_at=world.clock.now(),
    )
    world.ledger.record("", Batch(sightings=[seen]), examine_uploads=False)
    assert looks(world) == OPINIONS
    assert world.ledger.backlog_size() == {}
