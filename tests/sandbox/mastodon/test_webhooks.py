"""Deliveries: what is tried again, and what is dropped for ever."""

from __future__ import annotations

import json
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING, Any

import pytest

from adapters.sandbox.loopback import OutsideLoopbackError
from adapters.sandbox.mastodon import MastodonSandbox
from adapters.sandbox.mastodon.posting import delete, post

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

DEADLINE = 30.0


class Receiver:
    """Answers as it is told, and then 200."""

    def __init__(self) -> None:
        self.answers: list[int] = []
        self.bodies: list[dict[str, Any]] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                receiver.bodies.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
                self.send_response(receiver.answers.pop(0) if receiver.answers else 200)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/"

    def told(self, number: str) -> int:
        return sum(body["object"]["id"] == number for body in list(self.bodies))


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    one = Receiver()
    thread = Thread(target=one.server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield one
    one.server.shutdown()
    one.server.server_close()
    thread.join()


@pytest.fixture
def box(receiver: Receiver) -> Iterator[MastodonSandbox]:
    with MastodonSandbox("4.6", webhook_url=receiver.url, webhook_pause=lambda _: 0.01) as started:
        yield started


def speak(box: MastodonSandbox) -> str:
    with box.state.lock:
        alice = box.state.local("alice")
        assert alice is not None
        return str(post(box.state, alice, "hello").id)


def until(check: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + DEADLINE
    while not check():
        assert time.monotonic() < end, what
        time.sleep(0.01)


@pytest.mark.parametrize("status", [500, 503, 401, 408, 429])
def test_trouble_of_the_moment_is_tried_again(box: MastodonSandbox, receiver: Receiver, status: int) -> None:
    receiver.answers += [status, status]
    number = speak(box)
    until(lambda: receiver.told(number) == 3, "a delivery comes again until it is taken")


@pytest.mark.parametrize("status", [400, 403, 404, 410, 422, 501])
def test_refusal_is_for_ever(box: MastodonSandbox, receiver: Receiver, status: int) -> None:
    receiver.answers.append(status)
    number = speak(box)
    later = speak(box)
    until(lambda: receiver.told(later) == 1, "the next delivery comes")
    assert box.webhooks is not None
    assert (receiver.told(number), box.webhooks.dropped) == (1, 1)


def test_delivery_is_given_up_in_the_end(box: MastodonSandbox, receiver: Receiver) -> None:
    receiver.answers += [500] * 17
    number = speak(box)
    assert box.webhooks is not None
    hooks = box.webhooks
    until(lambda: hooks.dropped == 1, "a delivery is given up")
    assert receiver.told(number) == 17


def test_one_in_trouble_does_not_hold_up_the_next(box: MastodonSandbox, receiver: Receiver) -> None:
    assert box.webhooks is not None
    box.webhooks._pause = lambda _: DEADLINE
    receiver.answers.append(503)
    number, later = speak(box), speak(box)
    until(lambda: receiver.told(later) == 1, "the next delivery comes")
    assert receiver.told(number) == 1


def test_what_is_remote_or_gone_is_not_delivered(box: MastodonSandbox, receiver: Receiver) -> None:
    with box.state.lock:
        rita = box.federation.account("rita")
        remote = str(box.federation.status(rita, "from afar").id)
        alice = box.state.local("alice")
        assert alice is not None
        mine = post(box.state, alice, "here")
        delete(box.state, mine)
    last = speak(box)
    until(lambda: receiver.told(last) == 1, "the last delivery comes")
    assert (receiver.told(remote), receiver.told(str(mine.id))) == (0, 1)


def test_address_elsewhere_is_refused() -> None:
    with pytest.raises(OutsideLoopbackError):
        MastodonSandbox("4.6", webhook_url="http://192.0.2.1/")
