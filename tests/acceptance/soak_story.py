"""How large a soak is, the bot's configuration, and what its ledger has to say for the server's books."""

from __future__ import annotations

import hashlib
import io
import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import yaml
from PIL import Image
from sqlalchemy import select

from bot.attribution import Index
from bot.domain.content import Alias, InstanceId, Name, RemoteUrl
from bot.domain.decisions import IntentState
from bot.domain.evidence import Evidence, How
from bot.ledger import schema
from bot.media.fingerprint import pixels_digest
from bot.ports import Filter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from bot.domain.evidence import Attribution
    from bot.ledger import SqlLedger

    from .soak_people import Life, Made, Turn
    from .soak_town import Books, Place, SoakTown

ITEMS = int(os.environ.get("SOAK_ITEMS", "40"))
USERS = int(os.environ.get("SOAK_USERS", str(max(6, ITEMS // 10))))
SHARE = float(os.environ.get("SOAK_SHARE", "0.05"))
SECONDS = float(os.environ.get("SOAK_SECONDS", "0"))
HOURS = float(os.environ.get("SOAK_HOURS", "0.08"))
SEED = int(os.environ.get("SOAK_SEED", "1"))
VERSIONS = os.environ.get("SOAK_LEMMY", "0.19 1.0").split()

LARGE = ITEMS >= 500
MAIN = InstanceId("main")
WARDEN = "warden"
PLENTY = 10 * ITEMS + 1000


def configured(folder: Path, town: SoakTown, turns: Sequence[Turn]) -> Path:
    """A configuration that lets all pass, with some of the pictures on a list, and no detector: this is about feeds."""
    about = town.about
    plenty = dict.fromkeys(("report", "remove", "purge_file", "ban_account"), PLENTY)
    settings = {
        "schema": 1,
        "ledger": "sqlite:///ledger.db",
        "stage": "enforce",
        "irreversible": ["purge_file"],
        "evidence": "none",
        "poll_every": "5s" if LARGE else "1s",
        "instances": [
            {
                "id": str(MAIN),
                "platform": "lemmy",
                "url": about["url"],
                "username": WARDEN,
                "password": about["people"][WARDEN]["password"],
                "pictrs": {"url": about["pictrs_url"], "api_key": about["pictrs_key"]},
            }
        ],
        "media": {"private_hosts": ["127.0.0.1"]},
        "lists": [{"id": "known", "mode": "block", "file": "known.txt"}],
        "rules": [
            {"id": "listed", "when": {"lists": ["known"]}, "then": ["report", "remove", "purge_file", "ban_account"]}
        ],
        "quotas": {
            **plenty,
            "per_day": plenty,
            "per_account": plenty,
            "per_community": {"report": PLENTY, "remove": PLENTY},
        },
    }
    (folder / "known.txt").write_text(
        "".join(_digests(turn.content) for turn in turns if turn.listed), encoding="utf-8"
    )
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump(settings), encoding="utf-8")
    return path


def _digests(content: bytes) -> str:
    """Lines of a list: of the bytes, and of the pixels, for Lemmy 1.0 writes every upload anew."""
    with Image.open(io.BytesIO(content)) as image:
        return f"sha256 {hashlib.sha256(content).hexdigest()}\npixels {pixels_digest(image)}\n"


def watches(ledger: SqlLedger) -> bool:
    """Whether each feed was read once, so that what comes later is new."""
    return all(ledger.cursor(f"{MAIN}/{feed}") is not None for feed in ("posts", "comments", "uploads", "files"))


def in_time(so: Callable[[], bool], what: Callable[[], str], *, pause: float = 0.5) -> None:
    """Ask until it is so; how long, the size of the soak says."""
    end = time.monotonic() + HOURS * 3600
    while not so():
        assert time.monotonic() < end, f"still not so after {HOURS} h: {what()}"
        time.sleep(pause)


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """The server's books and the diary of its people on one side, the bot's ledger on the other."""

    books: Books
    life: Life
    ledger: SqlLedger
    remote: str  # address of the other server

    def name(self, url: str) -> Name:
        """As the bot has to call it."""
        if url.startswith(self.remote):
            return RemoteUrl(value=url)
        return Alias(instance=MAIN, value=url.rsplit("/", 1)[1])

    # -- pictures

    def missing(self) -> Iterator[str]:
        """Pictures that a feed has listed often enough, and that the bot does not know or has not looked into."""
        for made in self.life.made:
            record = self.ledger.name(str(self.name(made.url))) if made.owed else None
            if made.owed and record is None:
                yield f"{made.url} of {made.by}: never seen ({made.feed})"
            elif record is not None and made.went is None and not made.listed:
                file = self.ledger.file(record.file_id)
                if file is None or not isinstance(file.scan, Evidence):
                    yield f"{made.url} of {made.by}: {'not looked at' if file is None else file.scan}"

    def wrongly_attributed(self) -> Iterator[str]:
        """Pictures whose uploader is another one, or not known although the server tells."""
        index = Index(self.ledger, {})
        for made in self.life.made:
            name = self.name(made.url)
            record = self.ledger.name(str(name))
            if record is None:
                continue
            found = index.about(record.file_id).attributions[name]
            if self._is_wrong(made, name, found):
                yield f"{made.url} is of {made.by}; the bot says {found.uploader} ({found.how.word})"

    def _is_wrong(self, made: Made, name: Name, found: Attribution) -> bool:
        """Nobody, where the server tells who it was, or somebody else by evidence that a ban may follow from."""
        here = isinstance(name, Alias)
        sure = How.LISTED if here else How.HOSTED_BY_AUTHORS_SERVER
        if found.uploader is None or found.how > sure:
            return made.owed and (self.life.poster.TELLS or not here)
        host = urlsplit(self.life.poster.url if here else self.remote).netloc
        return found.uploader.handle != f"{made.by}@{host}"

    def invented(self) -> set[str]:
        """Names that the bot knows, and nobody has made or stored; a path in the store has to be of such a file."""
        made = {self.name(one.url) for one in self.life.made}
        made |= {Alias(instance=MAIN, value=alias) for alias in self.books.stored}
        with self.ledger._database.read() as connection:
            rows = connection.execute(select(schema.name.c.kind, schema.name.c.value, schema.name.c.file_id)).all()
        known = {
            (RemoteUrl(value=value) if kind == "url" else Alias(instance=MAIN, value=value)): file_id
            for kind, value, file_id in rows
            if kind != "key"
        }
        files = {file_id for name, file_id in known.items() if name in made}
        paths = {value for kind, value, file_id in rows if kind == "key" and file_id not in files}
        return paths | {str(name) for name in known if name not in made}

    def unplaced(self) -> Iterator[str]:
        """Places that show a picture now, and of which the bot does not know it."""
        for place in self.books.places.values():
            if not place.alive:
                continue
            for url in place.shows:
                seen = self.ledger.sightings_under(self.name(url))
                if (place.kind, str(place.number)) not in {(one.subject.kind, one.subject.local_id) for one in seen}:
                    yield f"{place.kind} {place.number} of {place.by} shows {url}"

    # -- deeds

    def listed_places(self) -> Sequence[Place]:
        """Posts and comments that show a listed picture."""
        listed = {made.url for made in self.life.made if made.listed}
        return [place for place in self.books.places.values() if place.shows & listed]

    def undone(self) -> Iterator[str]:
        """Deeds that the list asks for, and that the server's books do not have."""
        for place in self.listed_places():
            if not self.books.reports[place.kind, place.number, WARDEN]:
                yield f"{place.kind} {place.number} was not reported"
            if not self.books.deeds[_removal(place), place.number, WARDEN, True]:
                yield f"{place.kind} {place.number} was not removed"
        for made in self.life.made:
            if not made.listed:
                continue
            if made.feed == "uploads" and made.url.rsplit("/", 1)[1] in self.books.files:
                yield f"{made.url} is there still"
            told = self.life.poster.TELLS or made.feed != "uploads"
            if told and not self.books.deeds["ModBan", self._account(made), WARDEN, True]:
                yield f"{self._account(made)} was not banned"

    def held(self) -> Iterator[str]:
        """Deeds that wait for a human. Nobody shows a listed picture but who stored it, and its thumbnails are its own.

        Where the server does not tell of all that was stored, any thumbnail may be somebody's picture.
        """
        for record in self.ledger.find(Filter(states=(IntentState.HELD,))) if self.life.poster.TELLS else ():
            yield f"{record.intent.kind} of case {record.case} is held: {record.detail or record.reasons}"

    def done_too_often(self) -> Iterator[str]:
        """Deeds in the books that nothing asks for, and those done more than once."""
        places = self.listed_places()
        asked: dict[object, int] = {}
        for place in places:
            asked["report", place.kind, place.number, WARDEN] = 1
            asked[_removal(place), place.number, WARDEN, True] = 1
        for made in self.life.made:
            if made.listed:
                asked["ModBan", self._account(made), WARDEN, True] = 1
                # Lemmy adds this by itself where it bans somebody of another server, for each community he was in.
                asked["ModBanFromCommunity", self._account(made), WARDEN, True] = len(places)
        done = {("report", *which): count for which, count in self.books.reports.items()}
        done |= dict(self.books.deeds)
        for deed, count in done.items():
            if count > asked.get(deed, 0):
                yield f"{deed}: {count} times instead of {asked.get(deed, 0)}"
        for made in self.life.made:
            alias = made.url.rsplit("/", 1)[1]
            if made.feed == "uploads" and not made.listed and made.went is None and alias not in self.books.files:
                yield f"{made.url} of {made.by} is gone"

    def _account(self, made: Made) -> str:
        return made.by if made.feed == "uploads" else f"{made.by}@{urlsplit(self.remote).netloc}"


def _removal(place: Place) -> str:
    return "ModRemovePost" if place.kind == "post" else "ModRemoveComment"
