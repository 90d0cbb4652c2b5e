"""The recorded pict-rs 0.5.24 against the sandbox, exchange by exchange."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import httpx
import pytest
from starlette.responses import Response

from adapters.sandbox.lemmy import LemmySandbox
from adapters.sandbox.serving import LoopbackServer

from .pictures import animation, circles
from .replay import LEMMY, Replay, load

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.types import Receive, Scope, Send

API = load("pictrs-0.5", "api")
UPLOADER_SIDE = load("pictrs-0.5", "validation-uploader-side")


async def remote_file(scope: Scope, receive: Receive, send: Send) -> None:
    """What stood at 127.0.0.1:9090 when the recording was made."""
    found = scope["path"] == "/remote.png"
    body = circles(90) if found else b""
    await Response(body, 200 if found else 404, {"content-type": "image/png"})(scope, receive, send)


@pytest.fixture(scope="module")
def pictrs_story() -> Iterator[Replay]:
    files = LoopbackServer(remote_file)
    files.start()
    with LemmySandbox(purge_delay=0.3) as box, httpx.Client() as client:
        # The recording began with one file in the store.
        client.post(f"{box.pictrs_url}/image", files={"images[]": ("x.png", circles(1), "image/png")})
        # The token of the one that was deleted by token is not in the recording.
        token = "583efb2b-8007-4eae-ad8a-841218b8f602"
        replay = Replay({"127.0.0.1:9090": f"127.0.0.1:{files.port}"}, client, LEMMY)
        same, uploads = circles(2), {3: circles(3, "JPEG"), 4: b"this is not a photo", 7: animation(4)}
        uploads |= {5: same[:300], 6: b"x"}
        for number, exchange in enumerate(API):
            headers = {}
            if "headers" in exchange["request"]:
                headers = dict(exchange["request"]["headers"])
                if headers.get("X-Api-Token") == "<key>":
                    headers["X-Api-Token"] = box.pictrs_key
            if number in {35, 43, 48}:
                time.sleep(0.5)  # jobs of the store are done a moment later
            answer = replay.play(
                ("api", number),
                exchange,
                box.pictrs_url,
                headers=headers,
                file=uploads.get(number, same),
            )
            if number == 3:
                replay.texts[token] = answer.json()["files"][0]["delete_token"]
        yield replay
    files.stop()


@pytest.mark.parametrize("number", range(len(API)), ids=lambda number: API[number]["name"])
def test_pictrs_answers_as_recorded(pictrs_story: Replay, number: int) -> None:
    assert pictrs_story.differences[("api", number)] == []


class Validator:
    """Answers like the recorded one: it takes four files, then refuses, fails, hangs up and sleeps."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, dict[str, str], bytes]] = []
        self.server = LoopbackServer(self)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        self.seen.append((scope["path"], headers, body))
        number = len(self.seen)
        if number == 8:
            scope["state"]["transport"].abort()
            await receive()
            return
        if number == 9:
            time.sleep(1.0)  # noqa: ASYNC251 - the whole server is late
        await Response(b"", {5: 403, 6: 400, 7: 500}.get(number, 200))(scope, receive, send)


@pytest.fixture(scope="module")
def validated_story() -> Iterator[tuple[Replay, Validator]]:
    files, validator = LoopbackServer(remote_file), Validator()
    files.start()
    validator.server.start()
    url = f"{validator.server.url}/check/SECRET"
    with LemmySandbox(validation_url=url, validation_timeout=0.5) as box, httpx.Client() as client:
        replay = Replay({"127.0.0.1:9090": f"127.0.0.1:{files.port}"}, client, LEMMY)
        first = circles(11)
        uploads = {0: first, 1: first, 2: circles(12, "JPEG"), 3: animation(13)}
        for number, exchange in enumerate(UPLOADER_SIDE):
            headers = {"X-Api-Token": box.pictrs_key} if "headers" in exchange["request"] else {}
            file = uploads.get(number, circles(20 + number))
            replay.play(("validation", number), exchange, box.pictrs_url, headers=headers, file=file)
        yield replay, validator
    validator.server.stop()
    files.stop()


@pytest.mark.parametrize("number", range(len(UPLOADER_SIDE)), ids=lambda number: UPLOADER_SIDE[number]["name"])
def test_uploaders_learn_of_validation_as_recorded(validated_story: tuple[Replay, Validator], number: int) -> None:
    assert validated_story[0].differences[("validation", number)] == []


def test_validator_is_shown_files_as_recorded(validated_story: tuple[Replay, Validator]) -> None:
    recorded = load("pictrs-0.5", "validation-requests")
    seen = validated_story[1].seen
    assert len(seen) == len(recorded)
    for (path, headers, body), theirs in zip(seen, recorded, strict=True):
        assert path == theirs["path"]
        assert body.hex().startswith(theirs["magic"][:8])
        assert {name: value for name, value in headers.items() if name != "host"} == {
            name: value for name, value in theirs["headers"].items() if name != "host"
        }
