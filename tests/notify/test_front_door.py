"""The installed bot tells somebody: by mail and by webhook, of cases, of what waits, and of its own silence."""

from __future__ import annotations

import socket
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import httpx
import yaml
from prometheus_client.parser import text_string_to_metric_families

from acceptance.bot import Bot
from bot.clock import SystemClock
from bot.domain.decisions import IntentState
from bot.ledger import open_ledger
from caching import cache_in_front
from commanding import changed, fediwarden
from conformance.waiting import eventually
from crash.conftest import listed, town
from notify.receivers import SECRET, mailbox, receiver

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from crash.conftest import Town

__all__ = ["listed", "town"]

RULE = {"id": "listed", "when": {"lists": ["bad"]}, "then": ["notify", "report", "remove", "ban_account"]}


def chat(url: str, **more: Any) -> dict[str, Any]:
    return {"id": "chat", "kind": "webhook", "url": url, "secret": SECRET, "batch_every": "1s", "per_hour": 100, **more}


def mail(port: int, **more: Any) -> dict[str, Any]:
    people = {"from": "warden@here.example", "to": ["team@here.example"]}
    where = {"host": "127.0.0.1", "port": port, "security": "none"}
    return {"id": "mail", "kind": "smtp", "batch_every": "1s", "per_hour": 100, **where, **people, **more}


class Watched:
    """A running bot that is asked by HTTP how it fares: a command takes a second to start."""

    def __init__(self, bot: Bot, client: httpx.Client) -> None:
        self.bot = bot
        self._client = client

    def get(self, path: str) -> httpx.Response:
        return self._client.get(path)

    def ready(self) -> bool:
        try:
            return self.get("/readyz").status_code == 200
        except httpx.TransportError:
            return False

    def metrics(self) -> dict[str, float]:
        answer = self.get("/metrics")
        assert answer.status_code == 200, answer.text
        return {
            sample.name + "".join(f"[{value}]" for _, value in sorted(sample.labels.items())): sample.value
            for family in text_string_to_metric_families(answer.text)
            for sample in family.samples
        }

    def wait_until_ready(self) -> None:
        eventually(self.ready, f"it is ready\n{self.bot.log.read_text()[-2000:]}")

    def wait_for(self, metric: str, value: float) -> None:
        eventually(lambda: self.metrics().get(metric, 0) == value, f"{metric}\n{self.bot.log.read_text()[-2000:]}")


@contextmanager
def running(
    town: Town, folder: Path, digest: str, *, more: dict[str, Any] | None = None, **changes: Any
) -> Iterator[Watched]:
    """``more``: keys of the instance."""
    listen = f"127.0.0.1:{free_port()}"
    settings = {
        "detectors": [],
        "lists": [{"id": "bad", "mode": "block", "file": "bad.txt"}],
        "rules": [RULE],
        "stage": "report",
        "unposted_uploads": "ignore",
        "alarms": {"every": "1s", "unread": "3s"},
        "media": {"decode_workers": 1},
        "metrics": {"listen": listen},
    }
    path = town.config(folder, **{**settings, **changes})
    if more:
        (block,) = yaml.safe_load(path.read_text(encoding="utf-8"))["instances"]
        changed(path, instances=[{**block, **more}])
    bot = Bot(path)
    (folder / "bad.txt").write_text(f"{digest}\n", encoding="utf-8")
    bot.start()
    try:
        with httpx.Client(base_url=f"http://{listen}", trust_env=False, timeout=60) as client:
            watched = Watched(bot, client)
            watched.wait_until_ready()
            yield watched
    finally:
        if bot.runs:
            bot.stop()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


def test_killed_between_sending_and_noting_it_sends_again_under_the_same_id_and_nothing_of_the_post(
    town: Town, tmp_path: Path, listed: tuple[bytes, str]
) -> None:
    release, told, mailed = threading.Event(), threading.Event(), threading.Event()

    def taken_by_chat() -> tuple[int, dict[str, str]]:
        told.set()
        release.wait(60)
        return 204, {}

    def taken_by_mail() -> str:
        mailed.set()
        release.wait(60)
        return "250 OK"

    with receiver() as there, mailbox() as box:
        there.answers += [(500, {}), taken_by_chat]
        box.answers.append(taken_by_mail)
        channels = [chat(there.url, about=["cases", "held"]), mail(box.port, about=["cases"], accounts=True)]
        with running(town, tmp_path, listed[1], notify=channels) as watched:
            url = town.upload("alice", listed[0])
            post = town.post("alice", url, name="see https://evil.example/x.png Bcc: victim@there.example")
            assert told.wait(60)
            assert mailed.wait(60)
            assert "answered 500" in watched.bot.look("status")["channels"]["chat"]["trouble"]
            watched.bot.kill()
            release.set()
            watched.bot.start()
            watched.wait_until_ready()
            watched.wait_for("fediwarden_messages[mail][sent]", 1)
            eventually(lambda: watched.metrics()["fediwarden_messages[chat][pending]"] == 0, "all is told")
            eventually(lambda: watched.metrics()["fediwarden_messages[chat][noted]"] == 0, "all is told")
        requests = there.taken
        assert len({request.delivery for request in requests[:3]}) == 1
        assert requests[0].body == requests[1].body == requests[2].body
        assert all(request.signed_with(SECRET) for request in requests)
        assert box.mails[0]["Message-ID"] == box.mails[1]["Message-ID"]
        assert len(box.raw) == 2
        text = "".join(request.told["text"] for request in requests)
        assert "case 1 on main: rule listed: flagged by list bad" in text
        assert "case 1, rule listed: ban_account, remove (held: stage)" in text
        wire = b"".join(request.body for request in requests) + b"".join(box.raw)
        for trace in (url.rsplit("/", 1)[1], "evil.example", "victim", "pictrs", f"/post/{post['id']}", listed[1]):
            assert trace.encode() not in wire
        assert b"alice" not in b"".join(request.body for request in requests)
        assert f"uploaded by alice@{httpx.URL(town.box.url).netloc.decode()}" in box.mails[0].get_content()


def test_silence_is_told_and_so_is_its_end_and_metrics_name_nobody(
    town: Town, tmp_path: Path, listed: tuple[bytes, str]
) -> None:
    with receiver() as there:
        there.answers.append((429, {"Retry-After": "1"}))
        with running(town, tmp_path, listed[1], notify=[chat(there.url, about=["alarms"])]) as watched:
            assert watched.get("/healthz").json()["alive"]
            assert watched.get("/").status_code == 404
            url = town.upload("alice", listed[0])
            town.post("alice", url)
            watched.wait_for("fediwarden_intents[report][done]", 1)
            (tmp_path / "stop-acting").touch()
            watched.wait_for("fediwarden_alarm[stopped]", 1)

            town.box._lemmy.stop()
            for name in ("comments", "posts", "uploads"):
                watched.wait_for(f"fediwarden_alarm[feed/main/{name}]", 1)
            found, raw, unready = watched.metrics(), watched.get("/metrics").text, watched.get("/readyz")
            assert watched.get("/healthz").status_code == 200
            alarms = [one["alarm"] for one in watched.bot.look("status")["alarms"]]
            told = {f"feed/main/{name}" for name in ("comments", "posts", "uploads")}
            assert told <= set(alarms)
            assert all(one == "stopped" or one.startswith("feed/main/") for one in alarms), alarms
            town.box._lemmy.start()
            watched.wait_for("fediwarden_alarm[feed/main/posts]", 0)
            watched.wait_until_ready()
            eventually(lambda: any("all clear" in one.told["subject"] for one in there.taken), "the end is told")

    assert unready.status_code == 503
    assert "main/posts" in unready.text
    distinct = {request.delivery: request.told for request in there.taken}.values()
    text = "".join(one["text"] for one in distinct)
    assert text.count("- The feed main/posts could not be read since") == 1
    assert text.count("All clear: this is over: The feed main/posts") == 1
    assert "Acting is stopped since" in text
    for trace in ("127.0.0.1", "alice"):
        assert trace not in text

    assert found["fediwarden_source_lag_seconds[main/posts]"] > 3
    assert found["fediwarden_source_last_success_timestamp_seconds[main/posts]"] > 1.7e9
    assert found["fediwarden_stopped"] == 1
    assert found["fediwarden_matched_total"] == 1
    assert found["fediwarden_seen_total"] >= 1
    assert found["fediwarden_held[stage]"] == 2
    assert found["fediwarden_attempts_total[report][done]"] == 1
    assert found["fediwarden_intents[notify][refused]"] == 1  # no channel is about cases
    assert found["fediwarden_quota_used[report][hour]"] == 1
    assert found["fediwarden_quota_limit[report][hour]"] == 120
    assert found["fediwarden_breaker_open[listed]"] == 0
    assert found["fediwarden_acting"] == 1
    assert found["fediwarden_scoring_seconds_count"] >= 1
    assert found["process_resident_memory_bytes"] > 1e6
    assert found["fediwarden_worker_memory_bytes"] > 1e6
    for trace in ("alice", url.rsplit("/", 1)[1], town.box.pictrs_key):
        assert trace not in raw


def test_purge_is_done_when_the_public_says_so_and_the_command_clears_what_is_in_front(
    town: Town, tmp_path: Path, listed: tuple[bytes, str]
) -> None:
    cache = cache_in_front(town.box)
    allowed = tmp_path / "allowed"
    clear = tmp_path / "clear.py"
    clear.write_text(
        f"import pathlib, sys, urllib.request\n"
        f"if not pathlib.Path({str(allowed)!r}).exists():\n    sys.exit('no right to clear')\n"
        f"urllib.request.urlopen(urllib.request.Request(sys.argv[1], method='PURGE'))\n",
        encoding="utf-8",
    )
    rule = {**RULE, "then": ["purge_file"]}
    after = {"after_purge": {"command": [sys.executable, str(clear), "{url}"]}}
    with running(town, tmp_path, listed[1], more=after, rules=[rule], stage="enforce") as watched:
        url = town.upload("alice", listed[0])
        assert not town.gone(url)
        town.post("alice", url)
        watched.wait_for("fediwarden_alarm[still-served]", 1)
        assert not town.gone(url)  # the cache has it still
        assert "fediwarden_intents[purge_file][done]" not in watched.metrics()
        assert "no right to clear" in watched.bot.log.read_text()
        allowed.touch()
        eventually(lambda: not watched.metrics().get("fediwarden_intents[purge_file][ready]"), "the purge is done")
        watched.wait_for("fediwarden_alarm[still-served]", 0)
        assert town.gone(url)
        assert httpx.URL(url).path in cache.purged
    ledger = open_ledger(f"sqlite:///{tmp_path}/ledger.db", clock=SystemClock())
    assert {record.state for record in ledger.intents(case=1)} == {IntentState.DONE}
    told = [event.detail for event in ledger.timeline(1)]
    assert any("gone at the store; the command after a purge" in detail for detail in told)
    assert any("caches cleared by" in detail for detail in told)
    # It was our purge, caches or not, so the file is known when it returns.
    assert listed[1] in {entry.digest for entry in ledger.entries("confirmed")}
    ledger.close()


def test_operator_tries_and_checks_channels(town: Town, tmp_path: Path) -> None:
    with receiver() as there, mailbox() as box:
        bot = Bot(town.config(tmp_path, detectors=[], rules=[RULE], notify=[chat(there.url), mail(box.port)]))
        assert "there is: chat, mail" in fediwarden(tmp_path, "notify", "test", "pigeon", code=2).stderr
        there.answers.append((500, {}))
        results = {one["channel"]: one for one in bot.json("notify", "test", code=3)}
        assert "answered 500" in results["chat"]["trouble"]
        assert results["mail"]["sent"]
        assert [request.told["topics"] for request in there.taken] == [["test"]]
        assert "Nothing has happened" in box.mails[0].get_content()
        rows = {row["what"]: row for row in bot.json("check", code=1)}
        assert rows["channel chat"]["ok"]
        assert rows["channel mail"]["ok"]
        assert (len(there.taken), len(box.raw)) == (1, 1)
