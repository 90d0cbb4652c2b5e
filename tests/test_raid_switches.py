"""``raid`` as it is typed: switches of a server are turned, shown and put back, through the ledger like any deed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import yaml
from typer.testing import CliRunner

from adapters.sandbox.lemmy import LemmySandbox
from bot.cli.app import app
from bot.clock import SystemClock
from bot.domain.errors import FediwardenError
from bot.ledger import open_ledger

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Room:
    """A server, a configuration for it, and somebody who types."""

    def __init__(self, box: LemmySandbox, folder: Path) -> None:
        self.box = box
        self.folder = folder
        self.config = folder / "config.yaml"
        self.config.write_text(
            yaml.safe_dump({"schema": 1, "ledger": "sqlite:///ledger.db", "instances": [self.server("main")]})
        )

    def server(self, name: str) -> dict[str, str]:
        warden = self.box.people["warden"]
        return {"id": name, "platform": "lemmy", "url": self.box.url, "username": "warden", "token": warden.jwt}

    def types(self, *words: str, code: int = 0) -> str:
        done = CliRunner().invoke(app, ["--config", str(self.config), *words])
        if isinstance(done.exception, FediwardenError):
            return f"error: {done.exception}"
        assert done.exit_code == code, f"{words}: {done.exit_code}\n{done.output}"
        return done.output

    def json(self, *words: str, code: int = 0) -> Any:
        return json.loads(self.types(*words, "--json", code=code))

    def mode(self) -> str:
        return self.box.state.local_site.registration_mode

    def blocked(self) -> list[str]:
        listed = httpx.get(f"{self.box.url}/api/v3/federated_instances").json()["federated_instances"]["blocked"]
        return [row["domain"] for row in listed]


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    with LemmySandbox() as box:
        yield Room(box, tmp_path)


def test_registration_is_closed_by_a_deed_that_the_ledger_explains_and_that_is_undone(room: Room) -> None:
    (turned,) = room.json("raid", "close-registrations", "--by", "ann", "--why", "flood since nine")["intents"]
    assert (turned["state"], turned["deed"], turned["on"]) == ("done", "set_switch", "registration: closed")
    assert room.mode() == "Closed"

    shown = room.json("raid", "status")
    assert shown["servers"] == [{"instance": "main", "registration": "registration is closed", "trouble": ""}]
    assert [(one["intent"], one["state"], one["by"]) for one in shown["switches"]] == [
        (turned["intent"], "done", "ann")
    ]

    case = room.json("case", str(turned["case"]))
    told = [f"{event['what']} {event['detail']}" for event in case["timeline"]]
    assert any("ann" in line and "flood since nine" in line for line in told)
    ledger = open_ledger(f"sqlite:///{room.folder}/ledger.db", clock=SystemClock())
    (attempt,) = ledger.attempts(turned["intent"])
    assert attempt.before == {"registration_mode": "Open"}
    ledger.close()
    room.types("audit", "verify")

    (back,) = room.json("raid", "undo", "--by", "ben")["intents"]
    assert back["state"] == "undone"
    assert room.mode() == "Open"
    assert room.json("raid", "status")["switches"] == []
    assert room.json("raid", "undo", "--by", "ben")["intents"] == []


def test_one_server_is_blocked_and_only_that_block_is_taken_back(room: Room) -> None:
    (turned,) = room.json("raid", "block-instance", " Bad.Example ", "--by", "ann")["intents"]
    assert turned["on"] == "federation with bad.example: off"
    assert room.blocked() == ["bad.example"]
    room.types("raid", "require-applications", "--by", "ann")
    assert room.mode() == "RequireApplication"
    warden = {"Authorization": f"Bearer {room.box.people['admin'].jwt}"}
    httpx.put(
        f"{room.box.url}/api/v3/site", headers=warden, json={"blocked_instances": ["bad.example", "worse.example"]}
    ).raise_for_status()
    room.types("raid", "undo", str(turned["intent"]), "--by", "ann")
    assert room.blocked() == ["worse.example"]
    assert room.mode() == "RequireApplication"


def test_what_the_server_does_not_offer_is_not_ordered_and_it_says_what_to_do_instead(room: Room) -> None:
    assert "POST /pictrs/image" in room.types("raid", "uploads-off", "--by", "ann")
    assert "not the name of a server" in room.types("raid", "block-instance", "no host", "--by", "ann")
    assert room.json("raid", "status")["switches"] == []
    assert room.json("cases") == []


def test_the_server_has_to_be_named_where_there_are_several(room: Room) -> None:
    changed = yaml.safe_load(room.config.read_text())
    changed["instances"].append(room.server("second"))
    room.config.write_text(yaml.safe_dump(changed))
    assert "--instance (main, second)" in room.types("raid", "close-registrations", "--by", "ann")
    assert "no instance 'third'" in room.types("raid", "close-registrations", "--instance", "third", "--by", "ann")
    room.types("raid", "close-registrations", "--instance", "second", "--by", "ann")
    assert room.mode() == "Closed"


def test_switch_that_was_so_before_is_left_when_it_is_taken_back(room: Room) -> None:
    with room.box.state.lock:
        room.box.state.local_site.registration_mode = "Closed"
    room.types("raid", "close-registrations", "--by", "ann")
    done = room.json("raid", "undo", "--by", "ann")["intents"][0]
    assert "before the bot came" in done["outcome"]
    assert room.mode() == "Closed"


def test_while_acting_is_stopped_nothing_is_turned(room: Room) -> None:
    room.types("stop-acting", "--by", "ben")
    assert "stopped by ben" in room.types("raid", "close-registrations", "--by", "ann")
    room.types("start-acting", "--by", "ben")
    assert room.mode() == "Open"
    room.types("raid", "close-registrations", "--by", "ann")
    assert room.mode() == "Closed"


def test_only_what_is_a_switch_is_taken_back(room: Room) -> None:
    assert "there is no intent 7" in room.types("raid", "undo", "7", "--by", "ann")
