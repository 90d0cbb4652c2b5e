"""Domain values as JSON and back, all of them."""

from __future__ import annotations

import json
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain import content, decisions, evidence
from bot.domain.content import Account, Alias, Sighting
from bot.domain.errors import LedgerError
from bot.ledger.codec import VALUES, WORDS, decode, encode, intent_of
from making import NOW, alias, post, sighting

TEXT = st.text(st.characters(codec=None), max_size=20)
MOMENT = st.datetimes(timezones=st.just(UTC))
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT | st.just("$"), inner, max_size=3),
    max_leaves=6,
)


def some(*types: Any) -> st.SearchStrategy[Any]:
    return st.one_of(*(_later(one) for one in types))


def _later(one: type) -> st.SearchStrategy[Any]:
    return st.deferred(lambda: STRATEGIES[one])


def many(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.lists(strategy, max_size=2).map(tuple) | st.lists(strategy, max_size=2)


ACCOUNT = some(content.Account)
SUBJECT = some(*get_args(content.Subject))
NAME = some(*get_args(content.Name))
INTENT = some(*get_args(decisions.Intent))
# What each field may hold, by the name that it has in every class.
FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "created_at": st.none() | MOMENT,
    "published_at": st.none() | MOMENT,
    "retry_at": st.none() | MOMENT,
    "seen_at": MOMENT,
    "uploaded_at": MOMENT,
    "started_at": MOMENT,
    "author": st.none() | ACCOUNT,
    "uploader": ACCOUNT,
    "account": ACCOUNT,
    "community": st.none() | some(content.Community),
    "subject": SUBJECT,
    "subjects": many(some(content.SubjectKey)),
    "names": many(NAME),
    "name": NAME,
    "media": some(content.MediaRef),
    "findings": many(some(evidence.Finding)),
    "hits": many(some(evidence.Hit)),
    "scores": many(some(evidence.Score)),
    "gaps": many(TEXT),
    "list_ids": many(TEXT),
    "intents": many(INTENT),
    "reasons": many(st.sampled_from(decisions.HoldReason)),
    "because": some(decisions.Because),
    "outcome": st.none() | some(*get_args(decisions.Outcome)),
    "visibility": st.sampled_from(content.Visibility),
    "role": st.sampled_from(content.Role),
    "how": st.sampled_from(evidence.How),
    "mode": st.sampled_from(evidence.ListMode),
    "by": st.sampled_from(evidence.MatchedBy),
    "scope": st.sampled_from(decisions.Scope),
    "value": TEXT | st.floats(0, 1),
    "before": st.dictionaries(TEXT, JSON, max_size=3),
    "state": st.dictionaries(TEXT, JSON, max_size=3),
}
OPAQUE = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXT


def instances(one: Any) -> st.SearchStrategy[Any]:
    if issubclass(one, Enum):
        return st.sampled_from(list(one))
    parts = {field.name: FIELDS.get(field.name, OPAQUE) for field in fields(one)}
    return st.builds(one, **parts)


STRATEGIES: dict[type, st.SearchStrategy[Any]] = {one: instances(one) for one in (*VALUES.values(), *WORDS.values())}


@settings(max_examples=300)
@given(st.one_of(*STRATEGIES.values()) | JSON)
def test_everything_comes_back_as_it_was(value: Any) -> None:
    back: Any = decode(encode(value), object)
    assert back == value
    assert type(back) is type(value)
    assert encode(back).isascii()


def test_every_class_of_the_domain_has_a_word() -> None:
    here = {
        one
        for module in (content, decisions, evidence)
        for one in vars(module).values()
        if isinstance(one, type)
        and one.__module__ == module.__name__
        and not one.__name__.startswith("_")
        and (is_dataclass(one) or issubclass(one, Enum))
    }
    assert here == {*VALUES.values(), *WORDS.values()}


def test_stored_words_do_not_change() -> None:
    """What databases out there hold: a renamed class or field has to go on reading these."""
    stored = (
        '{"$":"Remove","instance":"here","subject":{"$":"Post","instance":"here","local_id":"1","uri":"u","url":"v",'
        '"visibility":{"$":"Visibility","v":"public"}},"text":"t"}'
    )
    intent = intent_of(stored)
    assert isinstance(intent, decisions.Remove)
    assert intent.subject.visibility is content.Visibility.PUBLIC
    assert decode('{"$":"tuple","v":[{"$":"datetime","v":"2026-11-22T12:00:00+00:00"}]}', tuple) == (NOW,)


def test_field_that_was_added_later_has_its_default() -> None:
    old = json.loads(encode(sighting()))
    del old["backlog"], old["subject"]["revision"]
    assert decode(json.dumps(old), Sighting).subject.revision == ""


@pytest.mark.parametrize(
    "stored",
    [
        '{"$":"Hologram","value":"x"}',
        '{"$":"Alias","instance":"here","value":"x","colour":"red"}',
        '{"$":"Alias","instance":"here"}',
        '{"$":"HoldReason","v":"boredom"}',
        '{"$":"datetime"}',
        "not JSON",
    ],
)
def test_what_a_newer_version_wrote_is_refused_with_a_remedy(stored: str) -> None:
    with pytest.raises(LedgerError, match="newer version; install that one again"):
        decode(stored, object)


def test_value_of_another_class_is_refused() -> None:
    with pytest.raises(LedgerError, match="a Alias where something else belongs"):
        decode(encode(alias()), Account)
    with pytest.raises(LedgerError, match="something else"):
        intent_of(encode(post()))


class Alien(Enum):
    ONE = 1


@pytest.mark.parametrize("value", [object(), Alien.ONE, {1: "x"}, {"x"}, b"x", [complex(1)]])
def test_foreign_values_are_not_stored(value: object) -> None:
    with pytest.raises(TypeError, match="the ledger"):
        encode(value)


def test_times_keep_their_microseconds_and_their_zone() -> None:
    moment = datetime(2026, 11, 22, 12, 0, 0, 123456, tzinfo=UTC)
    assert decode(encode([moment]), list) == [moment]
    assert decode(encode(Alias(instance=content.InstanceId("x"), value="y")), Alias).value == "y"
