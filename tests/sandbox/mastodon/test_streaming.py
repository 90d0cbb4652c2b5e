"""The streaming server, where the conformance tests do not go: refusals, silence, ends."""

from __future__ import annotations

import json
import threading
import time
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from adapters.sandbox.faults import respond
from adapters.sandbox.mastodon import MastodonSandbox
from adapters.sandbox.mastodon.posting import post
from adapters.sandbox.mastodon.seeding import add_app, add_token

if TYPE_CHECKING:
    from collections.abc import Iterator

DEADLINE = 30.0


@pytest.fixture
def box() -> Iterator[MastodonSandbox]:
    with MastodonSandbox("4.6", heartbeat=0.05) as started:
        yield started


def token(box: MastodonSandbox, *scopes: str, who: str = "warden") -> str:
    with box.state.lock:
        return add_token(box.state, add_app(box.state, "narrow", scopes), box.state.local(who), scopes).token


def speak(box: MastodonSandbox, text: str = "hello", who: str = "alice") -> str:
    with box.state.lock:
        author = box.state.local(who)
        assert author is not None
        return str(post(box.state, author, text).id)


class Ear:
    """One stream of events, read in the background."""

    def __init__(self, box: MastodonSandbox, path: str, bearer: str) -> None:
        self.lines: list[str] = []
        self.ended = threading.Event()
        self.broke = False
        self._client = httpx.Client(timeout=DEADLINE, trust_env=False)
        request = self._client.build_request(
            "GET", f"{box.streaming_url}/api/v1/streaming/{path}", headers={"Authorization": f"Bearer {bearer}"}
        )
        self._answer = self._client.send(request, stream=True)
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        try:
            for line in self._answer.iter_lines():
                self.lines.append(line)
        except httpx.HTTPError:
            self.broke = True
        self.ended.set()

    def until(self, text: str) -> None:
        end = time.monotonic() + DEADLINE
        while not any(text in line for line in list(self.lines)):
            assert time.monotonic() < end, f"{text} did not come: {self.lines}"
            time.sleep(0.01)

    def close(self) -> None:
        assert self.ended.wait(DEADLINE)
        self._thread.join()
        self._answer.close()
        self._client.close()


def test_stream_shows_signs_of_life(box: MastodonSandbox) -> None:
    ear = Ear(box, "public", box.people["warden"].tokens["bot"])
    ear.until(":thump")
    assert ear.lines[0] == ":)"
    box.streaming.close()
    ear.close()
    assert not ear.broke


def test_stalled_stream_says_nothing_and_does_not_end(box: MastodonSandbox) -> None:
    ear = Ear(box, "public", box.people["warden"].tokens["bot"])
    ear.until(":)")
    box.streaming.stall()
    speak(box)
    # Whatever was under way has come when the next connection has got its greeting.
    other = Ear(box, "public", box.people["warden"].tokens["bot"])
    other.until(":)")
    assert not [line for line in ear.lines if line.startswith("event:")]
    assert not ear.ended.is_set()
    box.streaming.close()
    ear.close()
    other.close()


def test_dropped_stream_breaks(box: MastodonSandbox) -> None:
    ear = Ear(box, "public", box.people["warden"].tokens["bot"])
    ear.until(":)")
    box.streaming.drop()
    ear.close()
    assert ear.broke


def test_suspension_ends_the_streams_of_the_account(box: MastodonSandbox) -> None:
    ear = Ear(box, "user", box.people["alice"].tokens["full"])
    ear.until(":)")
    headers = {"Authorization": f"Bearer {box.people['admin'].tokens['full']}"}
    path = f"{box.url}/api/v1/admin/accounts/{box.people['alice'].id}/action"
    httpx.post(path, json={"type": "suspend"}, headers=headers, trust_env=False).raise_for_status()
    ear.close()
    answer = httpx.get(
        f"{box.streaming_url}/api/v1/streaming/user",
        headers={"Authorization": f"Bearer {box.people['alice'].tokens['full']}"},
        trust_env=False,
    )
    assert (answer.status_code, answer.json()) == (401, {"error": "Invalid access token"})


@pytest.mark.parametrize(("scope", "path", "status"), [("read:accounts", "public", 401), ("profile", "user", 401)])
def test_token_without_the_scope_is_refused(box: MastodonSandbox, scope: str, path: str, status: int) -> None:
    headers = {"Authorization": f"Bearer {token(box, scope)}"}
    answer = httpx.get(f"{box.streaming_url}/api/v1/streaming/{path}", headers=headers, trust_env=False)
    assert (answer.status_code, answer.json()) == (status, {"error": "Access token does not have the required scopes"})


def test_planted_fault_comes_before_the_stream(box: MastodonSandbox) -> None:
    box.faults.before("GET", "/api/v1/streaming/public", respond(503), server="streaming")
    headers = {"Authorization": f"Bearer {box.people['warden'].tokens['bot']}"}
    answer = httpx.get(f"{box.streaming_url}/api/v1/streaming/public", headers=headers, trust_env=False)
    assert answer.status_code == 503


def test_blocked_and_other_languages_are_not_told(box: MastodonSandbox) -> None:
    state = box.state
    warden, alice = state.local("warden"), state.local("alice")
    assert warden is not None
    assert alice is not None
    ear = Ear(box, "public", box.people["warden"].tokens["bot"])
    ear.until(":)")
    state.blocks.add((warden.id, alice.id))
    speak(box, "from somebody blocked")
    state.blocks.clear()
    assert warden.user is not None
    warden.user.chosen_languages = ["en"]
    with state.lock:
        post(state, alice, "auf Deutsch", language="de")
    speak(box, "the last")
    ear.until("the last")
    told = [json.loads(line.removeprefix("data: "))["content"] for line in ear.lines if line.startswith("data: ")]
    assert told == ["<p>the last</p>"]
    box.streaming.close()
    ear.close()


def sockets(box: MastodonSandbox, **details: Any) -> Any:
    return connect(f"{box.streaming_url.replace('http', 'ws', 1)}/api/v1/streaming", proxy=None, **details)


def test_socket_without_a_token_is_refused(box: MastodonSandbox) -> None:
    with pytest.raises(InvalidStatus) as refused, sockets(box):
        pass
    assert refused.value.response.status_code == 401


def test_socket_takes_its_token_as_a_protocol(box: MastodonSandbox) -> None:
    bearer = box.people["warden"].tokens["bot"]
    with sockets(box, subprotocols=[bearer]) as socket:
        assert socket.subprotocol == bearer
        socket.send(json.dumps({"type": "subscribe", "stream": "public:local"}))
        socket.send("this is not JSON")
        socket.send(json.dumps({"type": "subscribe", "stream": "nonsense"}))
        assert json.loads(socket.recv(DEADLINE)) == {"error": "Unknown stream type", "status": 400}
        number = speak(box)
        told = json.loads(socket.recv(DEADLINE))
        assert (told["stream"], json.loads(told["payload"])["id"]) == (["public:local"], number)


def test_socket_says_which_subscription_the_token_is_not_good_for(box: MastodonSandbox) -> None:
    narrow = token(box, "read:statuses")
    with sockets(box, additional_headers={"Authorization": f"Bearer {narrow}"}) as socket:
        socket.send(json.dumps({"type": "subscribe", "stream": "user:notification"}))
        error = {"error": "Access token does not have the required scopes", "status": 401}
        assert json.loads(socket.recv(DEADLINE)) == error


@pytest.mark.parametrize("end", ["close", "drop"])
def test_socket_ends_with_a_word_or_without(box: MastodonSandbox, end: str) -> None:
    with sockets(box, additional_headers={"Authorization": f"Bearer {box.people['warden'].tokens['bot']}"}) as socket:
        socket.send(json.dumps({"type": "subscribe", "stream": "nonsense"}))
        assert "error" in json.loads(socket.recv(DEADLINE))  # by now it is held
        getattr(box.streaming, end)()
        with pytest.raises(ConnectionClosed) as closed:
            socket.recv(DEADLINE)
    assert (closed.value.rcvd is not None) == (end == "close")
