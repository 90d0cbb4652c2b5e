"""``held``, ``approve``, ``dismiss`` and ``undo`` as they are typed, over a ledger; no server is there to ask."""

from __future__ import annotations

import json
import stat
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
import typer
import yaml
from click.testing import Result as Typed  # noqa: TC002
from typer.testing import CliRunner

from bot.cli.app import app
from bot.cli.exits import Exit
from bot.cli.filters import moment
from bot.clock import SystemClock
from bot.domain.content import InstanceId
from bot.domain.decisions import Because, Hold, HoldReason, IntentState, PurgeFile, Remove, Report, Verdict
from bot.domain.errors import FediwardenError
from bot.ledger import open_ledger
from bot.ports import Batch
from commanding import fediwarden, flat
from making import EXACT, account, address, alias, post, sighting

if TYPE_CHECKING:
    from pathlib import Path

MAIN = InstanceId("main")
HELD = Hold(reasons=(HoldReason.STAGE,))
HOSTILE = "caf\u00e9 \ud800\u2028[/bold]"


def scored(value: float) -> Because:
    return Because(text=f"flagged by nsfw/nsfw (score {value})", exact=False, score=value, threshold=0.3)


class Desk:
    """A configuration, a ledger with five held intents in three cases, and somebody who types."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.config = folder / "config.yaml"
        instance = {
            "id": "main",
            "platform": "lemmy",
            "url": "http://127.0.0.1:9",
            "username": "warden",
            "password": "secret",
        }
        settings = {"schema": 1, "ledger": "sqlite:///ledger.db", "instances": [instance], "evidence": "none"}
        self.config.write_text(yaml.safe_dump(settings))
        ledger = open_ledger(f"sqlite:///{folder}/ledger.db", clock=SystemClock())
        bob = account("bob")
        cases = (
            ("low", scored(0.5), (Remove(instance=MAIN, subject=post(1), text="t"),)),
            ("low", scored(0.9), (Report(instance=MAIN, subject=post(2, bob), text="t"),)),
            ("known", EXACT, (PurgeFile(instance=MAIN, name=alias(HOSTILE), url=address(alias()), uploader=bob),)),
        )
        for number, (rule, because, intents) in enumerate(cases, 1):
            name = alias(f"{number}.png")
            ledger.record("", Batch(sightings=[sighting(post(number), name)]), examine_uploads=False)
            file_id = ledger.bind(name, f"{number:064x}")
            case = ledger.open_case(file_id).number
            verdict = Verdict(rule_id=rule, rule_digest="d", because=because, intents=())
            ledger.add_verdict(case, file_id, verdict, [(intent, HELD) for intent in intents])
        ledger.close()

    def type(self, *words: str, code: int = 0, typed: str = "") -> Typed:
        done = CliRunner().invoke(app, ["--config", str(self.config), *words], input=typed)
        fault = done.exception
        if isinstance(fault, FediwardenError):  # what ``main`` makes a sentence and an exit code of
            assert code == 2, fault
        else:
            assert done.exit_code == code, f"{done.output}\n{fault!r}"
        return done

    def held(self, *words: str) -> list[int]:
        rows: list[dict[str, Any]] = json.loads(self.type("held", *words, "--json").stdout)
        return [row["intent"] for row in rows]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_options_narrow_down_what_is_held(desk: Desk) -> None:
    assert desk.held() == [1, 2, 3]
    assert desk.held("--rule", "low") == [1, 2]
    assert desk.held("--deed", "remove") == [1]
    assert desk.held("--reason", "stage", "--case", "3") == [3]
    assert desk.held("--reason", "quota") == []
    assert desk.held("--score-at-least", "0.9") == [2]
    assert desk.held("--score-below", "0.9") == [1]
    assert desk.held("--account", "bob@here.example") == [2, 3]
    assert desk.held("--community", "!pictures@here.example") == [1, 2]
    assert desk.held("--since", "1h", "--limit", "2") == [1, 2]
    assert desk.held("--until", "1h ago") == []
    shown = desk.type("held", "--limit", "2").stdout
    assert "3 (1 purge_file, 1 remove, 1 report)." in shown
    assert "2 of them are shown" in shown


@pytest.mark.parametrize("wrong", [("--deed", "burn"), ("--since", "soon"), ("--score-below", "2"), ("--reason", "x")])
def test_an_option_that_means_nothing_is_refused(desk: Desk, wrong: tuple[str, str]) -> None:
    desk.type("held", *wrong, code=2)


def test_a_plan_goes_out_once_and_is_readable_by_its_owner_alone(desk: Desk) -> None:
    plan = desk.folder / "plan.jsonl"
    said = desk.type("held", "--export", str(plan)).stdout
    assert "3 held intents" in said
    assert stat.S_IMODE(plan.stat().st_mode) == 0o600
    lines = [json.loads(line) for line in plan.read_text(encoding="utf-8").split("\n") if line]
    assert [line["intent"] for line in lines] == [1, 2, 3]
    assert lines[2]["target"].endswith(HOSTILE), "half a character comes through as JSON's own escape"
    desk.type("held", "--export", str(plan), code=2)
    streamed = desk.type("held", "--rule", "low", "--export", "-").stdout
    assert [json.loads(line)["intent"] for line in streamed.splitlines()] == [1, 2]


def test_a_plan_comes_back_from_a_file_and_from_stdin(desk: Desk) -> None:
    lines = desk.type("held", "--rule", "low", "--export", "-").stdout
    plan = desk.folder / "plan.jsonl"
    plan.write_text(lines + "{\n")
    bad = desk.type("dismiss", "--plan", str(plan), code=2)
    assert "line 3: is not JSON" in str(bad.exception)
    assert desk.held() == [1, 2, 3], "nothing is decided"
    preview = json.loads(desk.type("dismiss", "--plan", "-", "--preview", "--json", typed=lines).stdout)
    assert [row["intent"] for row in preview["intents"]] == [1, 2]
    plan.write_text(lines.splitlines()[0])
    desk.type("dismiss", "--plan", str(plan))
    assert desk.held() == [2, 3]
    again = json.loads(desk.type("dismiss", "--plan", str(plan), "--json", code=1).stdout)
    assert [row["result"] for row in again["intents"]] == ["skipped: is dismissed by now, not held"]
    desk.type("dismiss", "--plan", str(desk.folder / "nowhere"), code=2)


@pytest.mark.parametrize("command", ["approve", "dismiss"])
def test_what_nobody_has_seen_listed_needs_a_yes(desk: Desk, command: str) -> None:
    refused = desk.type(command, "--rule", "low", code=2)
    assert "2 (1 remove, 1 report)" in str(refused.exception)
    preview = desk.type(command, "--rule", "low", "--preview").stdout
    assert "Nothing was decided." in preview
    assert desk.held() == [1, 2, 3]
    desk.type(command, "--rule", "nobody's", "--yes")


def test_dismissing_in_bulk_ends_holds_only(desk: Desk) -> None:
    desk.type("dismiss", "--rule", "low", "--score-below", "0.9", "--yes")
    assert desk.held() == [2, 3]
    desk.type("dismiss", "--case", "2")
    desk.type("dismiss", "--intent", "3")
    assert desk.held() == []


@pytest.mark.parametrize(
    "words",
    [
        ("approve",),
        ("approve", "1", "--rule", "low"),
        ("approve", "1", "--plan", "x"),
        ("dismiss",),
        ("dismiss", "1", "--rule", "low"),
        ("undo",),
        ("undo", "1", "--since", "1h"),
        ("undo", "1", "--rule", "low"),
        ("undo", "--rule", "low"),
        ("undo", "--since", "1h", "--until", "2h"),
    ],
    ids=" ".join,
)
def test_two_ways_at_once_and_none_are_refused(desk: Desk, words: tuple[str, ...]) -> None:
    desk.type(*words, code=2)
    assert desk.held() == [1, 2, 3]


def test_kill_switch_is_not_overruled(desk: Desk) -> None:
    desk.type("stop-acting")
    done = json.loads(desk.type("approve", "1", "--json", code=1).stdout)
    assert "`fediwarden start-acting`" in done["intents"][0]["result"]
    assert desk.held() == [1, 2, 3]


def test_nothing_and_one_are_told_as_such(desk: Desk) -> None:
    assert "No deed was ready." in desk.type("stop-acting").stdout
    assert "Nothing was held." in desk.type("start-acting", "--release").stdout
    ledger = open_ledger(f"sqlite:///{desk.folder}/ledger.db", clock=SystemClock())
    ledger.set_state(1, IntentState.READY)
    ledger.close()
    assert "1 deed that was ready is held now" in flat(desk.type("stop-acting").stdout)
    assert "1 deed stays held" in flat(desk.type("start-acting").stdout)


def test_a_stop_file_is_seen_where_no_bot_runs(desk: Desk) -> None:
    assert not json.loads(desk.type("status", "--json").stdout)["stop_file"]
    file = desk.folder / "stop-acting"
    file.touch()
    assert json.loads(desk.type("status", "--json").stdout)["stop_file"]
    assert "stop-actingisthere" in "".join(desk.type("status").stdout.split()), "wherever a long path is broken"
    done = fediwarden(desk.folder, "start-acting", code=Exit.NOT_SO)
    assert "delete it first" in done.stderr
    file.unlink()
    assert "stop-actingisthere" not in "".join(desk.type("status").stdout.split())


def test_each_command_says_what_it_wants_to_be_given(desk: Desk) -> None:
    assert "the numbers of intents" in str(desk.type("approve", code=2).exception)
    said = str(desk.type("dismiss", code=2).exception)
    assert "the number of a CASE" in said
    assert "--intent N" in said


def test_dismissing_a_case_may_be_looked_at_first(desk: Desk) -> None:
    shown = desk.type("dismiss", "1", "--preview").stdout
    assert "Held, and would end: 1 (1 remove)." in shown
    preview = json.loads(desk.type("dismiss", "1", "--preview", "--json").stdout)
    assert ([row["intent"] for row in preview["held"]], preview["done"]) == ([1], [])
    assert desk.held() == [1, 2, 3]


def test_on_a_terminal_a_case_is_dismissed_after_a_question(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.cli.dismissing.somebody_is_there", lambda: True)
    refused = desk.type("dismiss", "1", typed="n\n", code=1).stdout
    assert "Held, and would end" in refused
    assert "Nothing was decided." in refused
    assert desk.held() == [1, 2, 3]
    desk.type("dismiss", "1", typed="y\n")
    assert desk.held() == [2, 3]
    desk.type("dismiss", "2", "--yes")
    assert desk.held() == [3]


def test_a_case_with_nothing_done_is_marked_all_the_same_and_that_is_said(desk: Desk) -> None:
    assert "Case 1 is marked as undone: nothing new is done for it" in " ".join(desk.type("undo", "1").stdout.split())
    assert desk.held() == [1, 2, 3], "what is held stays held"
    desk.type("dismiss", "1")
    assert "Case 1 is marked as dismissed" in desk.type("undo", "1").stdout
    assert "It is dismissed." in desk.type("dismiss", "1").stdout


def test_undo_with_nothing_done_says_so(desk: Desk) -> None:
    assert "nothing to undo" in desk.type("undo", "--since", "1h", "--preview").stdout
    assert "nothing to decide" in desk.type("undo", "--since", "1h").stdout
    assert desk.held() == [1, 2, 3]


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("2026-11-22T02:00", datetime(2026, 11, 22, 2, tzinfo=UTC)),
        ("2026-11-22 02:00:30Z", datetime(2026, 11, 22, 2, 0, 30, tzinfo=UTC)),
        ("2026-11-22T02:00+02:00", datetime(2026, 11, 22, 0, tzinfo=UTC)),
        ("2026-11-22", datetime(2026, 11, 22, tzinfo=UTC)),
    ],
)
def test_times_are_utc_unless_they_name_a_zone(text: str, meant: datetime) -> None:
    assert moment(text) == meant


@pytest.mark.parametrize(("text", "ago"), [("2h", {"hours": 2}), ("7d ago", {"days": 7}), (" 45m ", {"minutes": 45})])
def test_times_may_be_told_from_now(text: str, ago: dict[str, float]) -> None:
    before = datetime.now(UTC)
    found = moment(text)
    assert before <= found + timedelta(**ago) <= datetime.now(UTC)


@pytest.mark.parametrize("text", ["soon", "", "2", "99999999999w"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(typer.BadParameter):
        moment(text)
