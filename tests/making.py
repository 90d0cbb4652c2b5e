"""Domain values for tests, with everything that a test does not care about filled in."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from bot.domain.content import Account, Alias, Comment, Community, InstanceId, MediaRef, Post, Role, Sighting, Upload
from bot.domain.decisions import Because
from bot.domain.evidence import Attribution, Evidence, Hit, How, ListMode, MatchedBy, Score
from bot.policy import Condition, Facts, Rule, ScoreAtLeast, Want

HERE = InstanceId("here")
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
SHA = "ab" * 32


class StillClock:
    """A clock that only moves when told."""

    def __init__(self, now: datetime = NOW) -> None:
        self.time = now

    def now(self) -> datetime:
        return self.time

    def pass_(self, **span: float) -> None:
        self.time += timedelta(**span)


def account(name: str = "alice", **more: Any) -> Account:
    given: dict[str, Any] = {
        "instance": HERE,
        "local_id": f"id-{name}",
        "uri": f"https://here.example/u/{name}",
        "handle": f"{name}@here.example",
        "home_host": "here.example",
        "is_local": True,
        "created_at": NOW - timedelta(days=400),
    }
    return Account(**{**given, **more})


def community(name: str = "pictures") -> Community:
    return Community(
        instance=HERE,
        local_id=f"id-{name}",
        uri=f"https://here.example/c/{name}",
        handle=f"{name}@here.example",
        is_local=True,
    )


def post(number: int = 1, author: Account | None = None, **more: Any) -> Post:
    given: dict[str, Any] = {
        "instance": HERE,
        "local_id": str(number),
        "uri": f"https://here.example/post/{number}",
        "url": f"https://here.example/post/{number}",
        "author": author or account(),
        "community": community(),
        "revision": "r1",
    }
    return Post(**{**given, **more})


def comment(number: int = 1, author: Account | None = None, **more: Any) -> Comment:
    given: dict[str, Any] = {
        "instance": HERE,
        "local_id": str(number),
        "uri": f"https://here.example/comment/{number}",
        "url": f"https://here.example/comment/{number}",
        "author": author or account(),
        "community": community(),
        "revision": "r1",
    }
    return Comment(**{**given, **more})


def alias(value: str = "a.png") -> Alias:
    return Alias(instance=HERE, value=value)


def address(name: Alias) -> str:
    return f"https://here.example/pictrs/image/{name.value}"


def sighting(subject: Post | Comment | None = None, name: Alias | None = None, **more: Any) -> Sighting:
    name = name or alias()
    role = more.pop("role", Role.ATTACHMENT)
    return Sighting(
        subject=subject or post(), media=MediaRef(url=address(name), role=role), name=name, seen_at=NOW, **more
    )


def upload(name: Alias | None = None, uploader: Account | None = None, **more: Any) -> Upload:
    name = name or alias()
    return Upload(name=name, url=address(name), uploader=uploader or account(), uploaded_at=NOW, **more)


def hit(list_id: str = "bad", mode: ListMode = ListMode.BLOCK, by: MatchedBy = MatchedBy.SHA256, **more: Any) -> Hit:
    return Hit(list_id=list_id, mode=mode, by=by, entry=SHA, **more)


def score(value: float, label: str = "nsfw") -> Score:
    return Score(detector="nsfw", revision="1", label=label, value=value)


def evidence(*found: Hit | Score) -> Evidence:
    return Evidence(
        sha256=SHA,
        media_type="image/png",
        size=100,
        hits=tuple(one for one in found if isinstance(one, Hit)),
        scores=tuple(one for one in found if isinstance(one, Score)),
    )


def facts(*found: Hit | Score, **more: Any) -> Facts:
    name = alias()
    given: dict[str, Any] = {
        "evidence": evidence(*found),
        "attributions": {name: Attribution(uploader=account(), how=How.LISTED)},
        "addresses": {name: address(name)},
        "sightings": [sighting()],
        "derived": [],
        "platforms": {HERE: "lemmy"},
        "backlog": False,
        "now": NOW,
    }
    return Facts(**{**given, **more})


def rule(**more: Any) -> Rule:
    from bot.domain.decisions import Stage

    then = more.pop("then", ("report", "remove", "purge_file", "ban_account"))
    given: dict[str, Any] = {
        "id": "known",
        "when": Condition(lists=("bad",)),
        "then": [Want(kind=kind) if isinstance(kind, str) else kind for kind in then],
        "stage": Stage.ENFORCE,
    }
    return Rule(**{**given, **more})


def scored(at_least: float = 0.8, **more: Any) -> Rule:
    return rule(
        id="scored", when=Condition(score=ScoreAtLeast(detector="nsfw", label="nsfw", at_least=at_least)), **more
    )


EXACT = Because(text="flagged by list bad (sha256)", exact=True, list_ids=("bad",))
BY_SCORE = Because(text="flagged by nsfw/nsfw at threshold 0.8", exact=False)
