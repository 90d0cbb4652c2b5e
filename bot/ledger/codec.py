"""Domain values as JSON and back.

Every value of a class carries its name under ``$``, so that a stored payload says by itself what it is. The classes are
a closed set. Fields that were added later with a default may be missing; anything unknown is refused, because guessing
what a newer version meant could end in a wrong deed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields
from datetime import datetime
from enum import Enum
from typing import Any, TypeVar, get_args

from bot.domain import content, decisions, evidence
from bot.domain.errors import LedgerError

T = TypeVar("T")

# A class that is renamed keeps its old word here: databases remember it.
VALUES: dict[str, type] = {
    one.__name__: one
    for one in (
        content.Account,
        content.Community,
        content.SubjectKey,
        content.Post,
        content.Comment,
        content.Profile,
        content.CommunityPage,
        content.SitePage,
        content.ReportedMessage,
        content.MediaRef,
        content.Alias,
        content.Attachment,
        content.StorageKey,
        content.RemoteUrl,
        content.Sighting,
        content.Upload,
        content.StoredFile,
        evidence.Attribution,
        evidence.Finding,
        evidence.Hit,
        evidence.Look,
        evidence.Score,
        evidence.Evidence,
        evidence.Unscannable,
        decisions.Report,
        decisions.Remove,
        decisions.MarkSensitive,
        decisions.PurgeFile,
        decisions.LimitAccount,
        decisions.BanAccount,
        decisions.SetSwitch,
        decisions.Notify,
        decisions.Allow,
        decisions.Hold,
        decisions.Because,
        decisions.Verdict,
        decisions.Offer,
        decisions.Verification,
        decisions.Done,
        decisions.AlreadyDone,
        decisions.Refused,
        decisions.Failed,
        decisions.Attempt,
    )
}
WORDS: dict[str, type[Enum]] = {
    one.__name__: one
    for one in (
        content.Visibility,
        content.Role,
        evidence.How,
        evidence.MatchedBy,
        evidence.ListMode,
        evidence.UnscannableKind,
        decisions.Stage,
        decisions.Scope,
        decisions.Limit,
        decisions.Switch,
        decisions.HoldReason,
        decisions.IntentState,
        decisions.LastWord,
    )
}
_TAGS: dict[type, str] = {one: tag for tag, one in (*VALUES.items(), *WORDS.items())}


def encode(value: object) -> str:
    """As JSON in ASCII, so that no database stumbles over a character. Raises ``TypeError`` for foreign classes."""
    return json.dumps(_plain(value), separators=(",", ":"))


def decode(text: str, wanted: type[T] | tuple[Any, ...]) -> T:
    """The value again. Raises ``LedgerError`` if it is not a ``wanted`` one, or of a kind that is not known here."""
    try:
        value = _value(json.loads(text))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise LedgerError(_newer(f"a payload that cannot be read ({error})")) from error
    if not isinstance(value, wanted):
        raise LedgerError(_newer(f"a {type(value).__name__} where something else belongs"))
    return value


def scan_of(text: str) -> evidence.Scan:
    """A scan again."""
    scan: evidence.Scan = decode(text, get_args(evidence.Scan))
    return scan


def intent_of(text: str) -> decisions.Intent:
    """An intent again."""
    intent: decisions.Intent = decode(text, get_args(decisions.Intent))
    return intent


def outcome_of(text: str) -> decisions.Outcome:
    """An outcome again."""
    outcome: decisions.Outcome = decode(text, get_args(decisions.Outcome))
    return outcome


def _plain(value: Any) -> Any:
    tag = _TAGS.get(type(value))
    if isinstance(value, Enum):
        if tag is None:
            raise TypeError(f"the ledger has no word for {type(value).__name__}")
        return {"$": tag, "v": value.value}
    if tag is not None:
        return {"$": tag} | {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    match value:
        case None | bool() | int() | float() | str():
            return value
        case datetime():
            return {"$": "datetime", "v": value.isoformat()}
        case tuple():
            return {"$": "tuple", "v": [_plain(one) for one in value]}
        case list():
            return [_plain(one) for one in value]
        case Mapping():
            if not all(isinstance(key, str) for key in value):
                raise TypeError("the ledger keeps mappings with text keys only")
            plain = {key: _plain(one) for key, one in value.items()}
            return {"$": "dict", "v": plain} if "$" in plain else plain
        case _:
            raise TypeError(f"the ledger has no word for {type(value).__name__}")


def _value(plain: Any) -> Any:
    if isinstance(plain, list):
        return [_value(one) for one in plain]
    if not isinstance(plain, dict):
        return plain
    if "$" not in plain:
        return {key: _value(one) for key, one in plain.items()}
    tag = plain["$"]
    match tag:
        case "datetime":
            return datetime.fromisoformat(plain["v"])
        case "tuple":
            return tuple(_value(one) for one in plain["v"])
        case "dict":
            return {key: _value(one) for key, one in plain["v"].items()}
    if tag in WORDS:
        return WORDS[tag](plain["v"])
    if tag in VALUES:
        return VALUES[tag](**{key: _value(one) for key, one in plain.items() if key != "$"})
    raise LedgerError(_newer(f"a {tag!r}"))


def _newer(what: str) -> str:
    return (
        f"the ledger holds {what}, which this version does not know: "
        "it was written by a newer version; install that one again"
    )
