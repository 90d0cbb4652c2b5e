"""Faults that a test can plant, and the servers as such."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

import httpx
import pytest

from adapters.sandbox.lemmy import LemmySandbox, delay, drop, hold, respond, truncate
from golden.pictures import circles

if TYPE_CHECKING:
    from .visitors import Visitors


@pytest.fixture
def post_id(visitors: Visitors) -> int:
    return int(visitors.post("alice", visitors.community())["id"])


def removed(visitors: Visitors, post_id: int) -> bool:
    with visitors.box.state.lock:
        return visitors.box.state.posts[post_id].removed


def remove(visitors: Visitors, post_id: int) -> httpx.Response:
    return visitors.call("warden", "POST", "/api/v3/post/remove", json={"post_id": post_id, "removed": True})


def test_an_answer_before_keeps_the_server_from_acting(visitors: Visitors, post_id: int) -> None:
    visitors.box.faults.before("POST", r"/post/remove$", respond(502, "<html>", "text/html"))
    answer = remove(visitors, post_id)
    assert (answer.status_code, answer.text, answer.headers["content-type"]) == (502, "<html>", "text/html")
    assert not removed(visitors, post_id)
    assert remove(visitors, post_id).status_code == 200


def test_an_answer_after_hides_that_the_server_acted(visitors: Visitors, post_id: int) -> None:
    visitors.box.faults.after("POST", r"/post/remove$", respond(500))
    assert remove(visitors, post_id).status_code == 500
    assert removed(visitors, post_id)


@pytest.mark.parametrize("stage", ["before", "after"])
def test_a_dropped_connection(visitors: Visitors, post_id: int, stage: str) -> None:
    getattr(visitors.box.faults, stage)("POST", r"/post/remove$", drop(), times=2)
    for _ in range(2):
        with pytest.raises(httpx.RemoteProtocolError):
            remove(visitors, post_id)
    assert removed(visitors, post_id) is (stage == "after")
    assert remove(visitors, post_id).status_code == 200


def test_an_answer_cut_in_its_middle(visitors: Visitors, post_id: int) -> None:
    visitors.box.faults.after("GET", r"/post/list", truncate())
    with pytest.raises(httpx.RemoteProtocolError):
        visitors.get(None, "/post/list")
    assert len(visitors.get(None, "/post/list", type_="All")["posts"]) == 1


def test_what_goes_wrong_with_one_post_only(visitors: Visitors, post_id: int) -> None:
    other = int(visitors.post("alice", visitors.community())["id"])
    visitors.box.faults.before("POST", r"/post/remove$", drop(), body_regex=rf'"post_id": ?{post_id}\b')
    assert len(visitors.box.faults.left()) == 1
    assert remove(visitors, other).status_code == 200
    with pytest.raises(httpx.RemoteProtocolError):
        remove(visitors, post_id)
    assert visitors.box.faults.left() == []
    assert (removed(visitors, post_id), removed(visitors, other)) == (False, True)
    assert remove(visitors, post_id).status_code == 200


def test_a_request_held_until_the_test_lets_it_go(visitors: Visitors, post_id: int) -> None:
    release, arrived = threading.Event(), threading.Event()
    visitors.box.faults.after("POST", r"/post/remove$", hold(release, arrived))
    answers: list[httpx.Response] = []
    caller = threading.Thread(target=lambda: answers.append(remove(visitors, post_id)))
    caller.start()
    assert arrived.wait(5)
    assert removed(visitors, post_id)
    assert answers == []
    release.set()
    caller.join()
    assert answers[0].status_code == 200


def test_a_delay_lasts_as_long_as_it_says(visitors: Visitors) -> None:
    visitors.box.faults.before("GET", "healthz", delay(0.3), server="pictrs")
    begun = time.monotonic()
    visitors.client.get(f"{visitors.box.pictrs_url}/healthz")
    assert time.monotonic() - begun >= 0.3


def test_faults_work_on_every_server_and_can_be_kept_to_one(visitors: Visitors) -> None:
    box, alias = visitors.box, visitors.upload("alice", circles(1))
    box.faults.before("*", alias, respond(503), times=9, server="pictrs")
    assert visitors.client.get(f"{box.pictrs_url}/image/original/{alias}").status_code == 503
    assert visitors.internal("POST", "purge", alias=alias).status_code == 503
    assert visitors.file(alias).status_code == 200
    box.faults.clear()
    url = box.remote_file(circles(2))
    box.faults.before("GET", "/pictrs/image/", drop(), server="remote")
    with pytest.raises(httpx.RemoteProtocolError):
        visitors.client.get(url)


def test_a_held_request_does_not_keep_the_sandbox_from_ending() -> None:
    with LemmySandbox() as box:
        arrived = threading.Event()
        box.faults.before("GET", "/site", hold(threading.Event(), arrived))

        def ask() -> None:
            with httpx.Client() as client:
                client.get(f"{box.url}/api/v3/site")

        caller = threading.Thread(target=ask)
        caller.start()
        assert arrived.wait(5)
    caller.join(5)
    assert not caller.is_alive()


def test_served_from_the_command_line_until_it_is_told_to_end() -> None:
    command = [sys.executable, "-c", "from adapters.sandbox.lemmy import serve; serve(0, True)"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        told = json.loads(process.stdout.readline())
        assert list(told) == ["platform", "version", "url", "pictrs_url", "pictrs_key", "people"]
        assert list(told["people"]["warden"]) == ["id", "password", "jwt"]
        version = httpx.get(f"{told['url']}/nodeinfo/2.1").json()["software"]["version"]
        assert (told["platform"], told["version"], version) == ("lemmy", "0.19.20", "0.19.20")
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0


def test_ports_are_free_again_when_the_sandbox_has_ended() -> None:
    with LemmySandbox() as first:
        port, pictrs_port = int(first.url.rsplit(":", 1)[1]), int(first.pictrs_url.rsplit(":", 1)[1])
    with LemmySandbox(port=port, pictrs_port=pictrs_port) as second:
        assert second.url == first.url
        assert second.people["alice"].jwt != first.people["alice"].jwt
