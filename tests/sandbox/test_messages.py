"""Private messages and what becomes of them in a list."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .visitors import Visitors


def write(visitors: Visitors, sender: str, recipient: str) -> int:
    """The number of a new message."""
    to = visitors.box.people[recipient].id
    view = visitors.send(sender, "/private_message", recipient_id=to, content="hello")["private_message_view"]
    return int(view["private_message"]["id"])


def mail(visitors: Visitors, who: str, **query: str | int) -> list[int]:
    found = visitors.get(who, "/private_message/list", **query)["private_messages"]
    return [view["private_message"]["id"] for view in found]


def test_a_deleted_message_is_listed_no_more_and_one_restored_is(visitors: Visitors) -> None:
    number = write(visitors, "bob", "alice")
    for deleted, listed in ((True, []), (False, [number])):
        visitors.send("bob", "/private_message/delete", private_message_id=number, deleted=deleted)
        assert mail(visitors, "alice") == mail(visitors, "bob") == listed


def test_messages_of_somebody_banned_with_his_data_are_listed_no_more(visitors: Visitors) -> None:
    number, answer = write(visitors, "bob", "alice"), write(visitors, "alice", "bob")
    visitors.send("alice", "/private_message/report", private_message_id=number, reason="not nice")
    visitors.send("warden", "/user/ban", person_id=visitors.box.people["bob"].id, ban=True, remove_data=True)
    assert mail(visitors, "alice") == [answer]
    [report] = visitors.get("warden", "/private_message/report/list")["private_message_reports"]
    assert report["private_message"]["removed"] is True


def test_messages_are_chosen_by_whom_one_has_written_with(visitors: Visitors) -> None:
    bob = visitors.box.people["bob"].id
    theirs, ours, others = (write(visitors, *pair) for pair in (("bob", "alice"), ("alice", "bob"), ("erin", "alice")))
    assert mail(visitors, "alice") == [others, ours, theirs]
    assert mail(visitors, "alice", creator_id=bob) == [ours, theirs]
    assert mail(visitors, "alice", creator_id=bob, unread_only="true") == [theirs]


def test_messages_of_the_blocked_are_listed_no_more_and_can_be_changed_no_more(visitors: Visitors) -> None:
    number = write(visitors, "bob", "alice")
    visitors.send("alice", "/user/block", person_id=visitors.box.people["bob"].id, block=True)
    assert mail(visitors, "alice") == mail(visitors, "bob") == []
    fields = {"private_message_id": number, "content": "hello again"}
    assert visitors.refusal("bob", "/private_message", method="PUT", **fields) == (400, "person_is_blocked")
