"""What people do on the server by themselves, while the bot is at work."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from .books import US
from .town import HUMAN, PEOPLE

if TYPE_CHECKING:
    from .town import Town
    from .world import World

BAN_FOR = timedelta(days=7)


def possible(world: World) -> list[str]:
    """What would change something now. First, and in the end as often as all the rest, what the bot did last."""
    others = [act for key, value in world.books.now.items() for act in _about(world, key, value)]
    others += ["log-out the bot", "erase post/2", "delete post/1"]
    touched = dict.fromkeys(change.key for change in reversed(world.books.history) if change.who == US)
    contrary = [act for key in touched for act in _about(world, key, world.books.now[key])]
    return [*contrary, *others, *(contrary * (len(others) // max(1, len(contrary))))]


def _about(world: World, key: str, value: str) -> list[str]:
    kind, _, number = key.partition("/")
    match kind, value:
        case "post" | "comment", "removed":
            return [f"restore {key}"]
        case "post" | "comment", "shown":
            return [f"remove {key}"]
        case "report", "open":
            return [f"resolve {number}"]
        case "file", "there":
            return [f"purge {world.town.aliases.index(number)}"]
        case "ban", _ if number.endswith("@site"):
            name = next(name for name in PEOPLE if world.town.ids[name] == int(number.partition("@")[0]))
            return (
                [f"ban {name}", f"ban-for-days {name}"]
                if value == "none"
                else [f"unban {name}", f"ban-for-days {name}"]
            )
        # No log tells who turned a switch: only words that cannot be taken for ours, and while nobody waits for an end.
        case "switch", "Closed" | "Open" if not world.unfinished(key):
            return ["register RequireApplication"]
        case "ban", value if value != "none":
            return [f"let-in {number}"]
        case _:
            return []


def by_hand(town: Town, what: str, target: str) -> None:
    """Do one of these."""
    kind, _, number = target.partition("/")
    match what:
        case "remove" | "restore":
            fields: dict[str, Any] = {f"{kind}_id": int(number), "removed": what == "remove", "reason": "by hand"}
            town.by(HUMAN, "POST", f"/{kind}/remove", **fields)
        case "delete":
            town.state.posts[int(number)].deleted = True
        case "erase" if int(number) in town.state.posts:
            town.by(HUMAN, "POST", "/admin/purge/post", post_id=int(number))
        case "resolve":
            town.resolve(kind, int(number))
        case "ban":
            town.by(HUMAN, "POST", "/user/ban", person_id=town.ids[target], ban=True)
        case "ban-for-days":
            until = int((town.clock.now() + BAN_FOR).timestamp())
            town.by(HUMAN, "POST", "/user/ban", person_id=town.ids[target], ban=True, expires=until)
        case "unban":
            town.by(HUMAN, "POST", "/user/ban", person_id=town.ids[target], ban=False)
        case "let-in":
            person, _, community = target.partition("@")
            fields = {"community_id": int(community), "person_id": int(person), "ban": False}
            town.by(HUMAN, "POST", "/community/ban_user", **fields)
        case "register":
            question = "Who are you?"
            town.by(HUMAN, "PUT", "/site", registration_mode=target, application_question=question)
        case "purge":
            town.purge(int(target))
        case _:
            town.forget_the_bot()
