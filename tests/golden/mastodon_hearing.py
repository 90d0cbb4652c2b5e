"""What the recorded server pushed: streams and webhooks."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Self

import httpx
from websockets.sync.client import connect

from .mastodon_story import DEADLINE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .mastodon_story import Story

STREAMING = "streaming"
OPEN = (*range(8), 10)  # of the recorded streams
WEBSOCKET, DEEDS = 13, 14
# Who held which of them.
WHO = {5: "mod", 6: "mod"}


@dataclass(slots=True)
class _Heard:
    """One open stream, read in a thread until the server ends it."""

    answer: httpx.Response
    lines: list[str] = field(default_factory=list)

    def read(self) -> None:
        for line in self.answer.iter_lines():
            self.lines.append(line)

    @property
    def events(self) -> list[tuple[str, Any]]:
        found, kind = [], ""
        for line in list(self.lines):
            if line.startswith("event: "):
                kind = line.removeprefix("event: ")
            elif line.startswith("data: "):
                data = line.removeprefix("data: ")
                found.append((kind, data if kind == "delete" else json.loads(data)))
        return found


def filled(story: Story) -> None:
    """The first delivery was recorded while the server was filled."""
    theirs = story.recorded["webhooks"][0]["body"]["object"]["id"]
    with story.box.state.lock:
        story.box.state.emit("account.created", int(story.replay.translated(theirs)))


def streaming(story: Story) -> None:
    """All streams at once, and what was done meanwhile."""
    recorded = story.recorded[STREAMING]
    base = story.box.streaming_url
    for number, who in ((8, None), (9, "bad"), (11, "warden_bot"), (12, None)):
        exchange = recorded[number]
        if number == 12:  # kept as the one line that came
            exchange = exchange | {"response": exchange["response"] | {"body": exchange["events"][0]["line"]}}
        story.played.add((STREAMING, number))
        headers = story._headers(who)
        story.replay.play((STREAMING, number), exchange, base, headers=headers)
    story.act("erin", "silence")
    with (
        _open(story) as heard,
        connect(
            f"{base.replace('http', 'ws', 1)}/api/v1/streaming",
            additional_headers=story._headers("mod"),
            proxy=None,
        ) as socket,
    ):
        frames: list[dict[str, Any]] = []
        reading = threading.Thread(target=lambda: frames.extend(json.loads(frame) for frame in socket), daemon=True)
        reading.start()
        sent = [one["data"] for one in recorded[WEBSOCKET]["frames"] if one["dir"] == "sent"]
        for message in sent[:-1]:
            socket.send(json.dumps(message))
        _until(lambda: any("error" in frame for frame in list(frames)), "the refusal of a channel")
        _deeds(story, socket, sent[-1], lambda: frames)
        _until(lambda: all(_complete(story, number, heard[number]) for number in heard), "the recorded events")
        story.box.streaming.close()
        reading.join(DEADLINE)
    for number, one in heard.items():
        _compare(story, number, one)
    _compare_frames(story, frames)
    story.played |= {(STREAMING, WEBSOCKET), (STREAMING, DEEDS)}
    story.replay.differences[(STREAMING, DEEDS)] = []


@contextmanager
def _open(story: Story) -> Iterator[dict[int, _Heard]]:
    base, heard = story.box.streaming_url, {}
    threads = []
    with httpx.Client(timeout=DEADLINE) as client:
        for number in OPEN:
            request = story.recorded[STREAMING][number]["request"]
            who = WHO.get(number, "warden_bot")
            path = request["path"].replace("<token>", story.tokens[who])
            headers = story._headers(who) if "headers" in request else {}
            answer = client.send(client.build_request("GET", base + path, headers=headers), stream=True)
            heard[number] = _Heard(answer)
            threads.append(threading.Thread(target=heard[number].read, daemon=True))
            threads[-1].start()
        _until(lambda: all(one.lines for one in heard.values()), "the first line of every stream")
        yield heard
        for thread in threads:
            thread.join(DEADLINE)
        for one in heard.values():
            one.answer.close()


def _deeds(story: Story, socket: Any, last: dict[str, Any], frames: Callable[[], list[dict[str, Any]]]) -> None:
    story.made += 100
    text = story.post("dave", "streamed text")
    shown = story.post("dave", "streamed picture", pictures=1)
    story.post("dave", "unlisted", pictures=1, visibility="unlisted")
    story.post("carol", "a reply", pictures=1, in_reply_to_id=text["id"])
    boost = story.aside("POST", f"/api/v1/statuses/{text['id']}/reblog", "carol")
    story.recognise(boost, "carol", "")
    # The older recording left one channel before the edit, the newer one after it.
    if not story.box.version.newer:
        _leave(story, socket, last)
    media = [story.upload("dave")]
    path = f"/api/v1/statuses/{text['id']}"
    story.aside("PUT", path, "dave", json={"status": "now with a picture", "media_ids": media})
    if story.box.version.newer:
        _until(lambda: sum(one.get("event") == "status.update" for one in list(frames())) == 2, "the edit, twice")
        _leave(story, socket, last)
    story.aside("DELETE", f"/api/v1/statuses/{shown['id']}", "dave")
    story.report("bob", "carol", comment="streamed")
    story.post("erin", "of a limited account", pictures=1)


def _leave(story: Story, socket: Any, last: dict[str, Any]) -> None:
    """Stop listening to a channel, and wait until the server has heard of it."""
    socket.send(json.dumps(last))
    events = story.box.streaming.events
    _until(lambda: not any(_leaves(one.channels, last["stream"]) for one in events._everybody()), "a channel is left")


def _leaves(channels: set[str], channel: str) -> bool:
    return channel in channels and len(channels) > 1


def _complete(story: Story, number: int, heard: _Heard) -> bool:
    wanted = [one for one in story.recorded[STREAMING][number]["events"] if "event" in one]
    return len(heard.events) >= len(wanted) and ":thump" in heard.lines


def _compare(story: Story, number: int, heard: _Heard) -> None:
    exchange = story.recorded[STREAMING][number]
    found = []
    response = exchange["response"]
    if heard.answer.status_code != response["status"]:
        found.append(f"status: recorded {response['status']}, sandbox {heard.answer.status_code}")
    for name, value in response["headers"].items():
        if heard.answer.headers.get(name) != value:
            found.append(f"header {name}: recorded {value!r}, sandbox {heard.answer.headers.get(name)!r}")
    comments = [line for line in heard.lines if line.startswith(":")]
    if comments[0] != ":)" or set(comments[1:]) != {":thump"}:
        found.append(f"comments: {comments}")
    wanted = [one for one in exchange["events"] if "event" in one]
    if [one["event"] for one in wanted] != [kind for kind, _ in heard.events]:
        found.append(
            f"events: recorded {[one['event'] for one in wanted]}, sandbox {[kind for kind, _ in heard.events]}"
        )
    for one, (_, data) in zip(wanted, heard.events, strict=False):
        # The number of a notification counts what else there was to tell.
        found += story.replay.compare(one["data"], data, free=["id"] if one["event"] == "notification" else [])
    story.played.add((STREAMING, number))
    story.replay.differences[(STREAMING, number)] = found


def _compare_frames(story: Story, frames: list[dict[str, Any]]) -> None:
    recorded = story.recorded[STREAMING][WEBSOCKET]["frames"]
    wanted = [one["data"] for one in recorded if one["dir"] == "received"]
    ours = [
        frame | {"payload": json.loads(frame["payload"])} if frame.get("payload", "").startswith("{") else frame
        for frame in frames
    ]
    found = [] if len(wanted) == len(ours) else [f"frames: recorded {len(wanted)}, sandbox {len(ours)}"]
    # Which of two channels is told first is chance.
    for left, right in zip(sorted(wanted, key=_order), sorted(ours, key=_order), strict=False):
        free = ["payload.id"] if left.get("event") == "notification" else []
        found += story.replay.compare(left, right, free=free)
    story.replay.differences[(STREAMING, WEBSOCKET)] = found


def _order(frame: dict[str, Any]) -> tuple[str, list[str]]:
    return frame.get("event", ""), frame.get("stream", [])


def _until(check: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + DEADLINE
    while not check():
        assert time.monotonic() < end, f"waited in vain for {what}"
        time.sleep(0.01)


class Hook:
    """Takes what a webhook delivers."""

    def __init__(self) -> None:
        self.deliveries: list[tuple[dict[str, str], bytes]] = []
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                hook.deliveries.append(({name.lower(): value for name, value in self.headers.items()}, body))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/webhook"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def webhooks(story: Story, hook: Hook) -> None:
    """One of each kind of delivery that was recorded, found among all that came."""
    last = story.post("dave", "the last")["id"]
    _until(
        lambda: any(json.loads(body)["object"]["id"] == last for _, body in list(hook.deliveries)), "the last delivery"
    )
    for number, recorded in enumerate(story.recorded["webhooks"]):
        event, theirs = recorded["body"]["event"], recorded["body"]["object"]["id"]
        ours = [
            (headers, body)
            for headers, body in hook.deliveries
            if json.loads(body)["event"] == event
            and json.loads(body)["object"]["id"] == story.replay.translated(theirs)
        ]
        tries = [_compare_delivery(story, recorded, headers, body) for headers, body in ours]
        story.played.add(("webhooks", number))
        story.replay.differences[("webhooks", number)] = min(tries, key=len, default=[f"no {event} of {theirs}"])


def _compare_delivery(story: Story, recorded: dict[str, Any], headers: dict[str, str], body: bytes) -> list[str]:
    found = story.replay.compare(recorded["body"], json.loads(body))
    if set(headers) != set(recorded["headers"]):
        found.append(f"headers: recorded {sorted(recorded['headers'])}, sandbox {sorted(headers)}")
    agent = recorded["headers"]["user-agent"].replace("https://mastodon.test", story.box.url)
    same = {"user-agent": agent} | {
        name: recorded["headers"][name] for name in ("accept-encoding", "content-type", "connection")
    }
    found += [
        f"{name}: {headers.get(name)!r}, not {value!r}" for name, value in same.items() if headers.get(name) != value
    ]
    if headers["digest"] != "SHA-256=" + base64.b64encode(hashlib.sha256(body).digest()).decode():
        found.append("digest")
    good = hmac.new(story.box.webhook_secret.encode(), body, hashlib.sha256).hexdigest()
    if headers["x-hub-signature"] != f"sha256={good}":
        found.append("signature")
    return found
