"""Who takes part in a raid: raiders with a few pictures, people with pictures of their own, and people who link."""

from __future__ import annotations

import io
import itertools
import random
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

import httpx
import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from .raid_town import Process

HANDS = 16
LOGGED_OUT = 401
_OTHERS = itertools.count(10**6)  # numbers of pictures that nobody else has


def picture(seed: int, size: tuple[int, int] = (320, 240)) -> Image.Image:
    """Blots, another picture for each number. They are as fine as PDQ looks: coarser ones have no print that lasts."""
    chance = np.random.default_rng(seed)
    small = chance.integers(0, 256, (18, 24, 3), dtype=np.uint8)
    return Image.fromarray(small).resize(size, Image.Resampling.BICUBIC)


def png(of: Image.Image, *, effort: int = 6) -> bytes:
    """Without loss: other bytes for another ``effort``, the same pixels."""
    kept = io.BytesIO()
    of.save(kept, "PNG", compress_level=effort)
    return kept.getvalue()


def jpeg(of: Image.Image, quality: int) -> bytes:
    """With loss: it looks the same."""
    kept = io.BytesIO()
    of.save(kept, "JPEG", quality=quality)
    return kept.getvalue()


@dataclass(frozen=True, slots=True)
class Raid:
    """What it shows: a few pictures, and copies of them."""

    pictures: Sequence[Image.Image]

    @classmethod
    def of(cls, number: int) -> Self:
        """With so many pictures, the same ones each time."""
        return cls([picture(seed) for seed in range(number)])

    def bytes_for(self, number: int, *, alike: bool) -> bytes:
        """What post ``number`` shows: mostly the same bytes, some saved anew; ``alike``: never the very picture."""
        which = self.pictures[number % len(self.pictures)]
        if alike:
            return jpeg(which, 60 + number % 30)
        return png(which, effort=1 + number // 10 % 9) if number % 10 == 9 else png(which)


@dataclass(slots=True)
class Tally:
    """What the server let pass."""

    accepted: Counter[str] = field(default_factory=Counter)  # raider to posts
    refused: int = 0  # after a ban
    links: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)


class Poster:
    """Posts with the accounts' own tokens, each time from another address: the server limits each address.

    It speaks to Lemmy 0.19. There the banned are logged out.
    """

    API = "/api/v3"
    TELLS = True  # the server lists each upload at once, and whose it is

    def __init__(self, town: Process) -> None:
        self.url: str = town.about["url"]
        self._client = httpx.Client(
            base_url=self.url,
            timeout=120,
            trust_env=False,
            limits=httpx.Limits(max_connections=HANDS, max_keepalive_connections=0),
        )
        self._addresses = itertools.count(1)
        admin = town.about["people"]["admin"]["jwt"]
        made = self.call(admin, "community", name="pictures", title="Pictures")
        self.community: int = made.json()["community_view"]["community"]["id"]

    def close(self) -> None:
        self._client.close()

    def call(self, token: str, path: str, *, method: str = "POST", **content: Any) -> httpx.Response:
        return self._client.request(method, f"{self.API}/{path}", json=content, headers=self._headers(token))

    def take_back(self, token: str, alias: str) -> None:
        """Delete an upload of one's own."""
        self._client.get(f"/pictrs/image/delete/mine/{alias}", headers=self._headers(token)).raise_for_status()

    def delete(self, token: str, kind: str, number: int) -> httpx.Response:
        """A post or comment of one's own."""
        return self.call(token, f"{kind}/delete", **{f"{kind}_id": number}, deleted=True)

    def upload(self, token: str, content: bytes) -> str | None:
        """The address of a new upload; ``None`` where the account is banned."""
        answer = self._send("/pictrs/image", token, content)
        if self.is_banned(answer):
            return None
        answer.raise_for_status()
        return f"{self.url}/pictrs/image/{answer.json()['files'][0]['file']}"

    def _send(self, path: str, token: str, content: bytes) -> httpx.Response:
        files = {"images[]": ("p.png", content, "image/png")}
        return self._client.post(path, files=files, headers=self._headers(token))

    def is_banned(self, answer: httpx.Response) -> bool:
        """Whether that is why the server refuses."""
        return answer.status_code == LOGGED_OUT

    def post(self, token: str, **content: Any) -> int | None:
        """The number of a new post; ``None`` where the account is banned."""
        answer = self.call(token, "post", community_id=self.community, **content)
        if self.is_banned(answer):
            return None
        answer.raise_for_status()
        return int(answer.json()["post_view"]["post"]["id"])

    def _headers(self, token: str) -> dict[str, str]:
        number = next(self._addresses)
        address = f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
        return {"Authorization": f"Bearer {token}", "X-Forwarded-For": address}


class PosterToV4(Poster):
    """The same on Lemmy 1.0, where the banned may upload still, and hardly anybody is listed for an upload."""

    API = "/api/v4"
    TELLS = False

    def take_back(self, token: str, alias: str) -> None:
        self.call(token, "account/media", method="DELETE", filename=alias).raise_for_status()

    def delete(self, token: str, kind: str, number: int) -> httpx.Response:
        return self.call(token, kind, method="DELETE", **{f"{kind}_id": number}, deleted=True)

    def upload(self, token: str, content: bytes) -> str | None:
        answer = self._send("/api/v4/image", token, content).raise_for_status()
        return str(answer.json()["image_url"])

    def is_banned(self, answer: httpx.Response) -> bool:
        return answer.is_client_error and answer.json().get("error") == "site_ban"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """Who posts how much in which time. ``seconds``: 0 is as fast as the server takes it."""

    posts: int
    raiders: Mapping[str, str]
    alike: frozenset[str]  # raiders with nothing but pictures that look alike
    innocent_posts: int
    innocent: Mapping[str, str]
    linkers: Mapping[str, str]
    seconds: float


def play(scene: Scene, poster: Poster, raid: Raid) -> Tally:
    """Until so many posts were accepted, or every raider is banned."""
    tally = Tally()
    turns: list[Callable[[], None]] = [_innocent(scene, poster, number) for number in range(scene.innocent_posts)]
    random.Random(1).shuffle(turns)
    began = time.monotonic()
    with ThreadPoolExecutor(HANDS) as hands:
        raiding = [hands.submit(_raid, scene, poster, raid, tally, began, share) for share in range(HANDS // 2)]
        peace = [hands.submit(_pace, scene, turns[share :: HANDS // 2], began) for share in range(HANDS // 2)]
        for running in (*raiding, *peace):
            running.result()
    return tally


def _innocent(scene: Scene, poster: Poster, number: int) -> Callable[[], None]:
    def post() -> None:
        name = list(scene.innocent)[number % len(scene.innocent)]
        token = scene.innocent[name]
        url = poster.upload(token, png(picture(1000 + number, (160, 120))))
        assert url is not None, f"{name} was banned"
        assert poster.post(token, name=f"A walk, part {number}", url=url) is not None, f"{name} was banned"

    return post


def _pace(scene: Scene, turns: Sequence[Callable[[], None]], began: float) -> None:
    for place, turn in enumerate(turns):
        _until(began + scene.seconds * place / max(1, len(turns)))
        turn()


def _raid(scene: Scene, poster: Poster, raid: Raid, tally: Tally, began: float, share: int) -> None:
    """One of several hands: goes round its accounts, and leaves out those that are banned."""
    names = list(scene.raiders)[share :: HANDS // 2]
    number = share
    while names:
        for name in list(names):
            with tally.lock:
                so_far = sum(tally.accepted.values())
            if so_far >= scene.posts:
                return
            _until(began + scene.seconds * so_far / scene.posts)
            number += HANDS // 2
            if not _strike(scene, poster, raid, tally, name, number):
                names.remove(name)


def _strike(scene: Scene, poster: Poster, raid: Raid, tally: Tally, name: str, number: int) -> bool:
    token = scene.raiders[name]
    url = poster.upload(token, raid.bytes_for(number, alike=name in scene.alike))
    post = None if url is None else poster.post(token, name=f"Look at this, {number}", url=url)
    with tally.lock:
        if url is None or post is None:
            tally.refused += 1
            return False
        tally.accepted[name] += 1
        links = len(tally.links) < len(scene.linkers) and name not in scene.alike and number % len(raid.pictures) == 0
        if links:
            tally.links.append(url)
            linker = list(scene.linkers)[len(tally.links) - 1]
    if links:
        _link(poster, scene.linkers[linker], url, as_comment=len(tally.links) % 2 == 0)
    return True


def _link(poster: Poster, token: str, url: str, *, as_comment: bool) -> None:
    """Somebody else shows a raider's upload: in a post, or in a comment on a post with a picture of his own."""
    if not as_comment:
        assert poster.post(token, name="Who is this?", url=url) is not None
        return
    mine = poster.upload(token, png(picture(next(_OTHERS), (160, 120))))
    own = poster.post(token, name="A question", url=mine)
    answer = poster.call(token, "comment", post_id=own, content=f"Somebody posted this: ![it]({url})")
    answer.raise_for_status()


def _until(moment: float) -> None:
    time.sleep(max(0.0, moment - time.monotonic()))
