"""Batches form, poison fails alone, dead detectors are said to be unavailable, and nobody waits for ever."""

from __future__ import annotations

import asyncio
import hashlib
import queue
import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from bot.classify import batcher, device
from bot.classify.batcher import After, BatchScorer
from bot.domain.evidence import Look, Score
from bot.operate import checks
from bot.ports import Decoded, ViewSpec

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping, Sequence

VIEW = ViewSpec(resize=4, crop=2, channels="RGB")
OTHER_VIEW = ViewSpec(resize=8, crop=4, channels="BGR")
POISON, KILLER, HANGS, NONSENSE, TOO_MUCH = 100.0, 101.0, 102.0, 103.0, 104.0


class Probe:
    """A detector whose score is the value of the picture's first pixel, and which fails on demand."""

    def __init__(self, name: str = "probe", views: tuple[ViewSpec, ...] = (VIEW,)) -> None:
        self.id = name
        self.revision = f"{name}-1"
        self.views = views
        self.batches: list[int] = []
        self.threads: set[int] = set()
        self.dead = False
        self.restarts = 0
        self.cured_by_restart = True
        self.entered = threading.Event()
        self.gate = threading.Event()
        self.gate.set()
        self.released = threading.Event()

    def infer(self, batch: Sequence[np.ndarray[Any, Any]]) -> np.ndarray[Any, Any]:
        self.entered.set()
        self.gate.wait()
        values = batch[0][:, 0, 0, 0]
        self.batches.append(len(values))
        self.threads.add(threading.get_ident())
        if HANGS in values:
            self.released.wait()
        if KILLER in values:
            self.dead = True
        if self.dead:
            raise RuntimeError("device lost")
        if POISON in values:
            raise ValueError("cannot digest this")
        if NONSENSE in values:
            values = np.where(values == NONSENSE, np.nan, values)
        return values[:, np.newaxis].astype(np.float32)

    def finish(self, raw: np.ndarray[Any, Any]) -> Sequence[Mapping[str, float]]:
        return [{"high": float(row[0]), "low": max(0.0, float(1 - row[0]))} for row in raw]


class Curable(Probe):
    def restart(self) -> None:
        self.restarts += 1
        if not self.cured_by_restart:
            raise OSError("no device")
        self.dead = False


def picture(*values: float, views: Sequence[ViewSpec] = (VIEW,)) -> Decoded:
    """A file with a frame for each value."""
    rows = {
        view: np.stack([np.full((view.crop, view.crop, 3), value, dtype=np.float32) for value in values])
        for view in views
    }
    return Decoded(
        media_type="image/png", width=4, height=4, frames=1, pixels=None, pdq=None, pdq_quality=None, views=rows
    )


def scoring(work: Callable[[BatchScorer], Coroutine[Any, Any, Any]], *detectors: Probe, **options: Any) -> Any:
    """The work's result, with a scorer around it."""

    async def run() -> Any:
        scorer = BatchScorer(detectors, **options)
        try:
            async with asyncio.timeout(60):
                return await work(scorer)
        finally:
            for detector in detectors:
                detector.released.set()
                detector.gate.set()
            await scorer.aclose()

    return asyncio.run(run())


def all_of(*files: Decoded) -> Callable[[BatchScorer], Coroutine[Any, Any, Any]]:
    async def work(scorer: BatchScorer) -> Any:
        return await asyncio.gather(*(scorer.score(file) for file in files))

    return work


def highs(answers: Any) -> list[float | str]:
    """The score of ``high`` for each file, or its gap."""
    return [gaps[0] if gaps else round(scores[0].value, 4) for scores, gaps in answers]


def test_scores_name_detector_revision_and_label() -> None:
    ((scores, gaps),) = scoring(all_of(picture(0.25)), Probe())
    assert gaps == []
    assert list(scores) == [
        Score(detector="probe", revision="probe-1", label="high", value=0.25),
        Score(detector="probe", revision="probe-1", label="low", value=0.75),
    ]


def test_the_highest_of_all_frames_counts_for_each_label() -> None:
    ((scores, _),) = scoring(all_of(picture(0.25, 0.75, 0.5)), Probe())
    assert {score.label: score.value for score in scores} == {"high": 0.75, "low": 0.75}


def test_each_frame_of_what_moves_is_scored_however_often_it_is_looked_at() -> None:
    looks = [Look(frame=frame, alone=frame == 9) for frame in (0, 0, 4, 9)]
    file = replace(picture(0.25, 0.75, 0.5, 0.125), moving=True, looks=looks)
    ((scores, _),) = scoring(all_of(file), Probe())
    high, low = scores
    assert (high.value, high.frames, high.alone) == (0.75, (0.75, 0.5, 0.125), 0.125)
    assert (low.value, low.frames, low.alone) == (0.875, (0.75, 0.5, 0.875), 0.875)


def test_ways_to_see_a_picture_are_no_frames() -> None:
    file = replace(picture(0.25, 0.75), looks=[Look(how="on white"), Look(how="on black")])
    ((scores, _),) = scoring(all_of(file), Probe())
    assert [(score.value, score.frames) for score in scores] == [(0.75, ()), (0.75, ())]


def test_files_that_wait_together_share_a_batch() -> None:
    probe = Probe()
    probe.gate.clear()

    async def work(scorer: BatchScorer) -> Any:
        first = asyncio.create_task(scorer.score(picture(0.0)))
        await asyncio.to_thread(probe.entered.wait)  # it is alone in its batch
        others = [asyncio.create_task(scorer.score(picture(number / 100))) for number in range(40)]
        await asyncio.sleep(0.1)
        probe.gate.set()
        return await asyncio.gather(first, *others)

    answers = scoring(work, probe, max_batch=16, max_wait=0.01)
    assert highs(answers) == [0.0, *(round(number / 100, 4) for number in range(40))]
    assert probe.batches == [1, 16, 16, 8]
    assert len(probe.threads) == 1


def test_file_with_many_frames_is_cut_into_batches() -> None:
    probe = Probe()
    values = [number / 50 for number in range(37)]
    assert highs(scoring(all_of(picture(*values)), probe, max_batch=16)) == [0.72]
    assert probe.batches == [16, 16, 5]


def test_every_detector_gets_its_own_views() -> None:
    both = Probe("both", (VIEW, OTHER_VIEW))
    one = Probe("one", (OTHER_VIEW,))

    async def work(scorer: BatchScorer) -> Any:
        assert list(scorer.views) == [VIEW, OTHER_VIEW]
        assert scorer.revisions == {"both": "both-1", "one": "one-1"}
        return await scorer.score(picture(0.5, views=scorer.views))

    scores, gaps = scoring(work, both, one)
    assert gaps == []
    assert {score.detector for score in scores} == {"both", "one"}
    assert both.threads.isdisjoint(one.threads)


def test_no_detectors_give_no_scores() -> None:
    assert scoring(all_of(picture(0.5))) == [([], [])]


@pytest.mark.parametrize("poison", [POISON, NONSENSE])
def test_poisoned_file_fails_alone(poison: float) -> None:
    files = [picture(0.1), picture(0.2), picture(poison), picture(0.3), picture(0.4, poison)]
    assert highs(scoring(all_of(*files), Probe())) == [
        0.1,
        0.2,
        "probe: failed, revision probe-1",
        0.3,
        "probe: failed, revision probe-1",
    ]


def test_score_beyond_its_range_is_no_score() -> None:
    assert highs(scoring(all_of(picture(1.0004), picture(TOO_MUCH)), Probe())) == [
        1.0,
        "probe: failed, revision probe-1",
    ]


def test_file_without_the_views_or_frames_is_a_gap() -> None:
    none = Decoded(
        media_type="image/png",
        width=4,
        height=4,
        frames=0,
        pixels=None,
        pdq=None,
        pdq_quality=None,
        views={VIEW: np.zeros((0, 2, 2, 3), dtype=np.float32)},
    )
    files = [picture(0.5, views=[OTHER_VIEW]), none, picture(0.5)]
    assert highs(scoring(all_of(*files), Probe())) == [
        "probe: failed, revision probe-1",
        "probe: failed, revision probe-1",
        0.5,
    ]


def test_one_detector_that_fails_does_not_touch_another() -> None:
    dead = Probe("dead")
    dead.dead = True
    ((scores, gaps),) = scoring(all_of(picture(0.5)), dead, Probe("alive"))
    assert [score.detector for score in scores] == ["alive", "alive"]
    assert gaps == ["dead: unavailable"]


def test_dead_detector_is_unavailable_for_everybody() -> None:
    probe = Probe()
    probe.dead = True
    assert highs(scoring(all_of(*(picture(0.1) for _ in range(20))), probe)) == ["probe: unavailable"] * 20


def test_dead_detector_is_left_alone_for_a_while_and_then_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device, "_FIRST_PAUSE", 0.2)
    probe = Curable()
    probe.dead, probe.cured_by_restart = True, False

    async def work(scorer: BatchScorer) -> Any:
        first = await asyncio.gather(*(scorer.score(picture(0.1)) for _ in range(10)))
        restarts = probe.restarts
        probe.cured_by_restart = True
        answer = await scorer.score(picture(0.2))
        while answer[1]:
            await asyncio.sleep(0.02)
            answer = await scorer.score(picture(0.2))
        return first, restarts, answer

    first, restarts, answer = scoring(work, probe)
    assert highs(first) == ["probe: unavailable"] * 10
    assert restarts <= 2
    assert highs([answer]) == [0.2]


def test_detector_that_a_restart_cures_costs_no_file() -> None:
    probe = Curable()
    probe.dead = True
    assert highs(scoring(all_of(picture(0.1), picture(0.2)), probe)) == [0.1, 0.2]
    assert probe.restarts == 1


def test_blank_picture_that_tries_a_detector_is_of_the_type_it_wants() -> None:
    class Typed(Curable):
        def infer(self, batch: Sequence[np.ndarray[Any, Any]]) -> np.ndarray[Any, Any]:
            types.add(str(batch[0].dtype))
            return super().infer(batch)

    types: set[str] = set()
    view = replace(VIEW, dtype="uint8")
    probe = Typed(views=(view,))
    probe.dead = True
    one = replace(picture(0.0), views={view: np.ones((1, 2, 2, 3), dtype=np.uint8)})
    assert highs(scoring(all_of(one), probe)) == [1.0]
    assert (types, probe.restarts) == ({"uint8"}, 1)


def test_file_that_kills_the_detector_fails_and_the_others_pass() -> None:
    probe = Curable()
    files = [picture(0.1), picture(KILLER), picture(0.2)]
    assert highs(scoring(all_of(*files), probe)) == [0.1, "probe: failed, revision probe-1", 0.2]
    assert highs(scoring(all_of(picture(0.3)), probe)) == [0.3]


def test_detector_that_hangs_is_given_up_and_the_rest_goes_on() -> None:
    probe = Curable()

    async def work(scorer: BatchScorer) -> Any:
        stuck = asyncio.create_task(scorer.score(picture(HANGS)))
        await asyncio.to_thread(probe.entered.wait)
        rest = [asyncio.create_task(scorer.score(picture(0.3))) for _ in range(3)]
        return await asyncio.gather(stuck, *rest)

    assert highs(scoring(work, probe, patience=1.0)) == ["probe: unavailable", 0.3, 0.3, 0.3]
    assert probe.restarts == 1


def test_detector_that_hangs_again_and_again_is_given_up_for_good() -> None:
    async def work(scorer: BatchScorer) -> Any:
        return [await scorer.score(picture(HANGS)) for _ in range(6)]

    probe = Curable()
    assert highs(scoring(work, probe, patience=0.1)) == ["probe: unavailable"] * 6
    assert probe.batches.count(1) <= 8


def test_detector_that_was_only_slow_is_asked_again_once_it_answers() -> None:
    probe = Curable()

    async def work(scorer: BatchScorer) -> Any:
        slow = [await scorer.score(picture(HANGS)) for _ in range(4)]
        gone = await scorer.score(picture(0.1))
        probe.released.set()
        until = asyncio.get_running_loop().time() + 30
        while highs([back := await scorer.score(picture(0.3))]) != [0.3]:
            assert asyncio.get_running_loop().time() < until
            await asyncio.sleep(0.01)
        return [*slow, gone, back]

    assert highs(scoring(work, probe, patience=0.1)) == ["probe: unavailable"] * 5 + [0.3]
    assert probe.restarts >= 1


def test_film_that_is_too_much_at_once_is_looked_at_frame_by_frame() -> None:
    class Small(Probe):
        def infer(self, batch: Sequence[np.ndarray[Any, Any]]) -> np.ndarray[Any, Any]:
            if len(batch[0]) > 1:
                raise RuntimeError("CUBLAS_STATUS_ALLOC_FAILED")
            return super().infer(batch)

    small = Small()
    assert highs(scoring(all_of(picture(0.1, 0.7, 0.3)), small)) == [0.7]
    assert highs(scoring(all_of(picture(0.1, POISON, 0.3)), Small())) == ["probe: failed, revision probe-1"]


class Clock:
    """What a device takes for the time."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


class Gated(Probe):
    """Says when each inference begins, and waits until it may end."""

    def __init__(self) -> None:
        super().__init__()
        self.began: queue.SimpleQueue[int] = queue.SimpleQueue()
        self.steps: queue.SimpleQueue[None] = queue.SimpleQueue()

    def infer(self, batch: Sequence[np.ndarray[Any, Any]]) -> np.ndarray[Any, Any]:
        self.began.put(len(batch[0]))
        self.steps.get(timeout=60)
        return super().infer(batch)


def views_of(count: int) -> list[np.ndarray[Any, Any]]:
    return [np.full((count, 2, 2, 3), 0.5, dtype=np.float32)]


def test_large_batch_has_more_time_in_proportion(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    monkeypatch.setattr(device, "time", clock)
    probe = Gated()
    made = device.Device(probe, max_batch=160, max_wait=0.01, patience=120.0)
    answer = made.submit(views_of(160))
    assert probe.began.get(timeout=60) == 160
    clock.now += 1199
    made.give_up_if_stuck()
    assert not answer.done()
    clock.now += 2
    made.give_up_if_stuck()
    assert isinstance(answer.exception(timeout=60), device.UnavailableError)
    probe.steps.put(None)
    made.close()


def test_device_that_moves_slowly_does_not_hang(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    monkeypatch.setattr(device, "time", clock)
    probe = Gated()
    made = device.Device(probe, max_batch=4, max_wait=0.01, patience=120.0)
    answer = made.submit(views_of(12))
    for _ in range(3):
        assert probe.began.get(timeout=60) == 4
        clock.now += 100
        made.give_up_if_stuck()
        probe.steps.put(None)
    assert len(answer.result(timeout=60)) == 12
    made.close()


def test_queue_longer_than_the_patience_is_no_hang() -> None:
    class Slow(Probe):
        def infer(self, batch: Sequence[np.ndarray[Any, Any]]) -> np.ndarray[Any, Any]:
            threading.Event().wait(0.1)
            return super().infer(batch)

    answers = scoring(all_of(*(picture(0.1) for _ in range(15))), Slow(), max_batch=1, patience=1.0)
    assert highs(answers) == [0.1] * 15


def test_cancelled_file_does_not_disturb_its_batch() -> None:
    probe = Probe()
    probe.gate.clear()

    async def work(scorer: BatchScorer) -> Any:
        tasks = [asyncio.create_task(scorer.score(picture(number / 10))) for number in range(4)]
        await asyncio.to_thread(probe.entered.wait)
        tasks[1].cancel()
        await asyncio.sleep(0)
        probe.gate.set()
        return await asyncio.gather(*tasks, return_exceptions=True)

    answers = scoring(work, probe)
    assert isinstance(answers.pop(1), asyncio.CancelledError)
    assert highs(answers) == [0.0, 0.2, 0.3]


def test_what_waits_at_the_end_is_unavailable() -> None:
    probe = Probe()
    probe.gate.clear()

    async def work(scorer: BatchScorer) -> Any:
        running = asyncio.create_task(scorer.score(picture(0.1)))
        await asyncio.to_thread(probe.entered.wait)
        waiting = asyncio.create_task(scorer.score(picture(0.2)))
        await asyncio.sleep(0.1)
        closing = asyncio.create_task(scorer.aclose())
        await asyncio.sleep(0.1)
        probe.gate.set()
        await closing
        return await asyncio.gather(running, waiting, scorer.score(picture(0.3)))

    assert highs(scoring(work, probe)) == [0.1, "probe: unavailable", "probe: unavailable"]


def test_threads_end_with_the_scorer() -> None:
    scoring(all_of(picture(0.1)), Probe("ending"))
    assert not [thread for thread in threading.enumerate() if thread.name == "detector-ending"]


AFTER = {"large": After(detector="cheap", label="high", at_least=0.3)}


def test_second_detector_looks_only_at_what_the_first_found_worth_it() -> None:
    cheap, large = Probe("cheap"), Probe("large")
    answers = scoring(all_of(picture(0.1), picture(0.1, 0.4), picture(0.3)), cheap, large, after=AFTER)
    scored = [[score.detector for score in scores] for scores, _ in answers]
    assert scored == [["cheap"] * 2, ["cheap"] * 2 + ["large"] * 2, ["cheap"] * 2 + ["large"] * 2]
    assert [list(gaps) for _, gaps in answers] == [["large: not needed, cheap/high is below 0.3"], [], []]
    assert sum(large.batches) == 3, "the frames of two files, and no others"


def test_what_was_passed_over_is_told_beforehand() -> None:
    async def work(scorer: BatchScorer) -> Any:
        return scorer.passed_over

    assert scoring(work, Probe("cheap"), Probe("large"), after=AFTER) == {
        "large": "large: not needed, cheap/high is below 0.3"
    }


def test_second_detector_looks_where_the_first_could_not() -> None:
    ((scores, gaps),) = scoring(all_of(picture(POISON)), Probe("cheap"), Curable("large"), after=AFTER)
    assert (scores, sorted(gaps)) == ([], ["cheap: failed, revision cheap-1", "large: failed, revision large-1"])
    broken = Probe("cheap")
    broken.dead = True
    ((scores, gaps),) = scoring(all_of(picture(0.1)), broken, Probe("large"), after=AFTER)
    assert ([score.detector for score in scores], gaps) == (["large"] * 2, ["cheap: unavailable"])


def test_second_detector_looks_where_the_first_has_no_such_label() -> None:
    after = {"large": After(detector="cheap", label="misspelt", at_least=0.3)}
    ((scores, gaps),) = scoring(all_of(picture(0.1)), Probe("cheap"), Probe("large"), after=after)
    assert {score.detector for score in scores} == {"cheap", "large"}
    assert gaps == []


def test_detector_says_how_many_pictures_it_takes_and_learns_what_is_watched() -> None:
    class Particular(Probe):
        batch = 2
        watched: Any = None

        def watch(self, thresholds: Any) -> None:
            self.watched = thresholds

    probe = Particular()

    async def work(scorer: BatchScorer) -> Any:
        scorer.watch({"probe": {"high": [0.4]}, "another": {"low": [0.1]}})
        return await scorer.score(picture(0.1, 0.2, 0.3, 0.4, 0.5))

    scoring(work, probe, max_batch=16)
    assert probe.batches == [2, 2, 1]
    assert probe.watched == {"high": [0.4]}


def test_what_decides_whether_a_second_detector_looks_is_watched_like_what_rules_want() -> None:
    class First(Probe):
        def watch(self, thresholds: Any) -> None:
            self.watched = thresholds

    first, second = First("first"), First("second")
    after = {"second": After(detector="first", label="high", at_least=0.3)}

    async def work(scorer: BatchScorer) -> Any:
        scorer.watch({"first": {"high": [0.9], "low": [0.5]}})

    scoring(work, first, second, after=after)
    assert first.watched == {"high": [0.9, 0.3], "low": [0.5]}
    assert second.watched == {}


def test_self_check_asks_the_detector_each_time() -> None:
    probe = Probe()

    class Decoder:
        async def decode(self, data: bytes, views: Sequence[ViewSpec]) -> Decoded:
            return picture(int.from_bytes(hashlib.sha256(data).digest()[:4]) / 2**32, views=views)

    async def work(scorer: BatchScorer) -> Any:
        well = await checks.eyes(Decoder(), scorer)
        probe.dead = True
        return well, await checks.eyes(Decoder(), scorer)

    well, ill = scoring(work, probe)
    assert [one.ok for one in well if one.what == "detector probe"] == [True]
    assert [one.ok for one in ill if one.what == "detector probe"] == [False]


@pytest.mark.parametrize("soon", [batcher.SOON, 0])
def test_picture_that_was_just_seen_is_not_inferred_again_until_others_thresholds_are_watched(
    soon: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batcher, "SOON", soon)

    class Particular(Probe):
        def watch(self, thresholds: Any) -> None:
            pass

    probe = Particular()

    async def work(scorer: BatchScorer) -> Any:
        answers = []
        for step in ("new", "again", "one more frame", "another", "again", "watched"):
            if step == "watched":
                scorer.watch({"probe": {"high": [0.4]}})
            values = {"one more frame": (0.25, 0.25), "another": (0.5,)}.get(step, (0.25,))
            answers.append(await scorer.score(picture(*values)))
        return answers

    assert highs(scoring(work, probe)) == [0.25, 0.25, 0.25, 0.5, 0.25, 0.25]
    assert probe.batches == [1, 2, 1, 1]


def test_only_the_last_pictures_are_remembered_and_none_that_failed() -> None:
    probe = Probe()
    inferred = []

    async def work(scorer: BatchScorer) -> Any:
        answers = []
        for value in (NONSENSE, NONSENSE, 0.5, 0.25, 0.5):
            before = len(probe.batches)
            answers.append(await scorer.score(picture(value)))
            inferred.append(len(probe.batches) > before)
        return answers

    assert highs(scoring(work, probe, remember=1))[2:] == [0.5, 0.25, 0.5]
    assert inferred == [True] * 5
