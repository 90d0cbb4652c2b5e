"""The YAML file an operator writes: every key typed, an unknown one is an error, secrets by file or environment.

Read by the command line and the composition root only. Instances and detectors are validated by whoever speaks to them
(``adapters.registry``, ``bot.classify.registry``); everything else is described here.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from bot import written
from bot.domain.content import Role
from bot.domain.decisions import Limit, Scope, Stage, Switch
from bot.domain.errors import ConfigError
from bot.domain.evidence import How, ListMode
from bot.domain.handles import meant, plain

if TYPE_CHECKING:
    from collections.abc import Iterator

_DURATION = re.compile(r"^(\d+)\s*([smhdw])$")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def _duration(value: object) -> object:
    if isinstance(value, str) and (match := _DURATION.match(value.strip())):
        return timedelta(**{_UNITS[match[2]]: int(match[1])})
    raise ValueError("write a number and a unit, such as 45s, 10m, 12h, 7d or 2w")


def _by_word(members: dict[str, Any]) -> BeforeValidator:
    def read(value: object) -> object:
        if isinstance(value, str) and value in members:
            return members[value]
        raise ValueError(f"write one of: {', '.join(members)}")

    return BeforeValidator(read)


def _start(value: object) -> object:
    if value == "now":
        return timedelta(0)
    return None if value == "all" else _duration(value)


def _kept(value: object) -> object:
    if value == "never":
        return None
    kept = _duration(value)
    if isinstance(kept, timedelta) and kept < timedelta(days=1):
        raise ValueError("write at least 1d, or never")
    return kept


Duration: TypeAlias = Annotated[timedelta, BeforeValidator(_duration)]
Kept: TypeAlias = Annotated[timedelta | None, BeforeValidator(_kept)]
StageWord: TypeAlias = Annotated[Stage, _by_word({stage.word: stage for stage in Stage})]
HowWord: TypeAlias = Annotated[How, _by_word({how.word: how for how in How})]
DeedWord: TypeAlias = Literal[
    "notify", "report", "remove", "mark_sensitive", "purge_file", "limit_account", "ban_account", "set_switch"
]
Id: TypeAlias = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")]
Count: TypeAlias = Annotated[int, Field(ge=0)]


def _somebody(text: str) -> str:
    """Raises ``ValueError`` for what would never be met."""
    meant(text)
    return plain(text)


Named: TypeAlias = Annotated[str, AfterValidator(_somebody)]
"""An account or community: ``name@host``, with or without the sign before it, or its address."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ScoreSettings(_Strict):
    """A detector's score for a label reaches a threshold: one that is written, or one that was measured."""

    detector: Id
    label: str
    at_least: Annotated[float, Field(gt=0, le=1)] | None = None
    preset: Literal["strict", "balanced", "lenient"] | None = None
    frames: Annotated[int, Field(ge=1, le=16)] | None = None

    @model_validator(mode="after")
    def _has_a_threshold(self) -> ScoreSettings:
        if (self.at_least is None) == (self.preset is None):
            raise ValueError("write either `at_least` or `preset`")
        return self


class WhenSettings(_Strict):
    """When a rule fires."""

    lists: tuple[Id, ...] = ()
    near: bool = False
    score: ScoreSettings | None = None
    platforms: tuple[str, ...] = ()
    roles: tuple[Role, ...] = ()
    author: Literal["local", "remote"] | None = None
    account_younger_than: Duration | None = None
    account_items_below: Annotated[int, Field(ge=1, le=10_000)] | None = None

    @model_validator(mode="after")
    def _something(self) -> WhenSettings:
        if not self.lists and self.score is None:
            raise ValueError("a rule needs `lists` or `score`: anything else would fire on every picture")
        return self


class BanSettings(_Strict):
    """How a ``ban_account`` of a rule is meant."""

    scope: Scope = Scope.SITE
    days: Annotated[int, Field(ge=1, le=3650)] | None = None


class LimitSettings(_Strict):
    """How a ``limit_account`` of a rule is meant."""

    how: Limit = Limit.SILENCE


def _on_or_off(value: object) -> object:
    """YAML reads `on` and `off` as true and false."""
    return ("on" if value else "off") if isinstance(value, bool) else value


SWITCHES = {
    Switch.REGISTRATION: ("open", "applications", "closed"),
    Switch.UPLOADS: ("on", "off"),
    Switch.FEDERATION: ("on", "off"),
}


class SwitchSettings(_Strict):
    """How a ``set_switch`` of a rule is meant."""

    turn: Switch = Field(alias="set")
    to: Annotated[str, BeforeValidator(_on_or_off)]

    @model_validator(mode="after")
    def _exists(self) -> SwitchSettings:
        if self.to not in SWITCHES[self.turn]:
            raise ValueError(f"{self.turn.value} is turned to one of: {', '.join(SWITCHES[self.turn])}")
        return self


class RuleSettings(_Strict):
    """A condition and what follows."""

    id: Id
    stage: StageWord | None = None
    when: WhenSettings
    then: Annotated[tuple[DeedWord, ...], Field(min_length=1)]
    limit: LimitSettings = LimitSettings()
    ban: BanSettings = BanSettings()
    switch: SwitchSettings | None = None
    unattended: bool = False
    uncalibrated: Literal["accept"] | None = None
    any_use: bool = False
    hold_first: Count = 0
    attribution: HowWord = How.HOSTED_BY_AUTHORS_SERVER
    text: Annotated[str, Field(min_length=1, max_length=200)] = "Automated check: please review"

    @model_validator(mode="after")
    def _says_which_switch(self) -> RuleSettings:
        if ("set_switch" in self.then) != (self.switch is not None):
            raise ValueError("`then: [set_switch]` and `switch` belong together: one says that, the other says which")
        return self


class ListSettings(_Strict):
    """One list: entries in the ledger, and a file if there is one."""

    id: Id
    mode: ListMode
    file: Path | None = None


class DayQuotaSettings(_Strict):
    """Deeds allowed in any 24 hours."""

    report: Count = 1000
    remove: Count = 1000
    mark_sensitive: Count = 1000
    purge_file: Count = 500
    limit_account: Count = 200
    ban_account: Count = 100
    set_switch: Count = 10


class AccountQuotaSettings(_Strict):
    """Deeds allowed in any 24 hours about one account."""

    report: Count = 100
    remove: Count = 100
    mark_sensitive: Count = 100
    purge_file: Count = 100
    limit_account: Count = 5
    ban_account: Count = 5


class CommunityQuotaSettings(_Strict):
    """Deeds allowed in any 24 hours in one community."""

    report: Count = 500
    remove: Count = 500


class QuotaSettings(_Strict):
    """Deeds allowed in any hour, and other limits."""

    report: Count = 120
    remove: Count = 120
    mark_sensitive: Count = 120
    purge_file: Count = 60
    limit_account: Count = 40
    ban_account: Count = 20
    set_switch: Count = 5
    per_day: DayQuotaSettings = DayQuotaSettings()
    per_account: AccountQuotaSettings = AccountQuotaSettings()
    per_community: CommunityQuotaSettings = CommunityQuotaSettings()


class BreakerSettings(_Strict):
    """When a rule that follows scores or near matches is taken for broken."""

    window: Duration = timedelta(hours=1)
    flagged_share: Annotated[float, Field(gt=0, lt=1)] = 0.02
    least: Annotated[int, Field(ge=2)] = 10


class ProtectedSettings(_Strict):
    """Never acted on, whatever a rule says. Staff are protected without being named."""

    accounts: frozenset[Named] = frozenset()
    communities: frozenset[Named] = frozenset()


class MediaSettings(_Strict):
    """Bounds for downloading and decoding."""

    max_bytes: Annotated[int, Field(ge=1024)] = 100 * 1024 * 1024
    fetch_seconds: Annotated[float, Field(gt=0)] = 60.0
    private_hosts: frozenset[str] = frozenset()
    decode_workers: Annotated[int, Field(ge=1, le=64)] = 2
    decode_seconds: Annotated[float, Field(gt=0)] = 10.0
    animation_frames: Annotated[int, Field(ge=1, le=32)] = 8
    video_frames: Annotated[int, Field(ge=1, le=32)] = 16


class AlarmSettings(_Strict):
    """From when on something about the bot itself is worth telling."""

    every: Duration = timedelta(seconds=30)
    unread: Duration = timedelta(minutes=10)
    silence: Duration = timedelta(days=1)
    queue: Count = 500
    window: Duration = timedelta(minutes=30)
    wait: Duration = timedelta(minutes=15)
    disk_free: Count = 1024**3
    repeat: Duration = timedelta(hours=6)


class RetentionSettings(_Strict):
    """How long it is kept whom and what something names."""

    cases: Kept = timedelta(days=365)
    unflagged: Kept = timedelta(days=30)
    uploads: Kept = timedelta(days=365)


class MetricsSettings(_Strict):
    """Where ``/healthz``, ``/readyz`` and ``/metrics`` answer; nowhere without ``listen``."""

    listen: Annotated[str, Field(pattern=r"^(\[[0-9A-Fa-f:.]+\]|[^:\s]+):[0-9]{1,5}$")] | None = None


class Settings(_Strict):
    """The whole file."""

    version: Literal[1] = Field(alias="schema")
    ledger: str = "sqlite:///fediwarden.db"
    stage: StageWord = Stage.OBSERVE
    backlog_stage: StageWord = Stage.REPORT
    irreversible: frozenset[Literal["purge_file", "remove"]] = frozenset()
    evidence: Literal["none"] | None = None
    unposted_uploads: Literal["scan", "ignore"] = "scan"
    start_from: Annotated[timedelta | None, BeforeValidator(_start)] = timedelta(0)
    poll_every: Duration = timedelta(seconds=15)
    tasks_at_once: Annotated[int, Field(ge=1, le=256)] = 8
    instances: Annotated[tuple[dict[str, Any], ...], Field(min_length=1)]
    lists: tuple[ListSettings, ...] = ()
    detectors: tuple[dict[str, Any], ...] = ()
    rules: tuple[RuleSettings, ...] = ()
    quotas: QuotaSettings = QuotaSettings()
    breaker: BreakerSettings = BreakerSettings()
    stop_file: Path = Path("stop-acting")
    protected: ProtectedSettings = ProtectedSettings()
    media: MediaSettings = MediaSettings()
    notify: tuple[dict[str, Any], ...] = ()
    alarms: AlarmSettings = AlarmSettings()
    metrics: MetricsSettings = MetricsSettings()
    retention: RetentionSettings = RetentionSettings()

    @model_validator(mode="after")
    def _refers_to_what_exists(self) -> Settings:
        _no_twins("rules", [rule.id for rule in self.rules])
        _no_twins("lists", [one.id for one in self.lists])
        _no_twins("instances", [str(one.get("id")) for one in self.instances])
        _no_twins("detectors", [str(one.get("id")) for one in self.detectors])
        _no_twins("notify", [str(one.get("id")) for one in self.notify])
        lists = {one.id for one in self.lists if one.mode is ListMode.BLOCK} | {LOCAL_BLOCK}
        detectors = {str(one.get("id")) for one in self.detectors}
        for rule in self.rules:
            for wanted in rule.when.lists:
                if wanted not in lists:
                    raise ValueError(f"rule {rule.id}: there is no block list {wanted!r} under `lists`")
            if rule.when.score is not None and rule.when.score.detector not in detectors:
                raise ValueError(f"rule {rule.id}: there is no detector {rule.when.score.detector!r} under `detectors`")
        return self


LIVE = (
    "stage",
    "backlog_stage",
    "irreversible",
    "evidence",
    "unposted_uploads",
    "poll_every",
    "lists",
    "rules",
    "quotas",
    "breaker",
    "protected",
    "retention",
)
"""Keys that a running bot takes up when it reads the file again. All others need a restart."""


def renewed(running: Settings, written: Settings) -> tuple[Settings, list[str], list[str]]:
    """What is in force after a reload, what of it is new, and what waits for a restart: keys and ids, no values."""
    changed = [key for key in Settings.model_fields if getattr(running, key) != getattr(written, key)]
    live = [key for key in changed if key in LIVE]
    in_force = running.model_copy(update={key: getattr(written, key) for key in live})
    taken_up = [named for key in live for named in _named(key, getattr(running, key), getattr(written, key))]
    return in_force, taken_up, [key for key in changed if key not in LIVE]


_SECRET = re.compile(r"password|token|secret|key|authorization", re.IGNORECASE)
_CREDENTIALS = re.compile(r"(?<=://)[^/@\s]*@")


def digest(settings: Settings) -> str:
    """SHA-256 of everything that is in force, for the audit trail; secrets do not go into it."""
    plain = json.dumps(_without_secrets(settings.model_dump(mode="json")), sort_keys=True)
    return hashlib.sha256(plain.encode()).hexdigest()


def _without_secrets(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: None if _SECRET.search(str(key)) else _without_secrets(one) for key, one in value.items()}
    if isinstance(value, list):  # some of them were sets, which have no order
        return sorted((_without_secrets(one) for one in value), key=lambda one: json.dumps(one, sort_keys=True))
    return _CREDENTIALS.sub("", value) if isinstance(value, str) else value


def _named(key: str, before: Any, after: Any) -> list[str]:
    """``rules.known-files`` where single entries of a list differ, in the order of their ids; else the key."""
    if key not in {"rules", "lists"}:
        return [key]
    old, new = ({one.id: one for one in entries} for entries in (before, after))
    differs = sorted(id_ for id_ in old.keys() | new.keys() if old.get(id_) != new.get(id_))
    return [f"{key}.{id_}" for id_ in differs] or [key]  # the order alone


LOCAL_BLOCK = "confirmed"
"""The block list that fills itself with what confirmed cases removed."""


def load(path: Path) -> Settings:
    """Read a file. Raises ``ConfigError`` with the place of every fault and what to write instead."""
    try:
        raw = written.read(path.read_text(encoding="utf-8"), str(path))
    except FileNotFoundError:
        raise ConfigError(f"{path}: there is no such file; `fediwarden init` writes one") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read: {error}") from error
    if not isinstance(raw, dict):
        raise ConfigError(f"{path}: has to be a mapping that starts with `schema: 1`")
    if raw.get("schema") != 1:
        raise ConfigError(f"{path}: `schema` is {raw.get('schema')!r}; this version reads `schema: 1`")
    try:
        return Settings.model_validate(_with_secrets(raw, path.parent))
    except ValidationError as error:
        raise ConfigError(explain(error, str(path))) from None


def explain(error: ValidationError, where: str) -> str:
    """A validation error as lines an operator can act on; values are left out, for they may be secrets."""
    lines = [f"{where}: {'1 thing' if error.error_count() == 1 else f'{error.error_count()} things'} to mend"]
    for fault in error.errors(include_url=False, include_input=False, include_context=False):
        place = ".".join(str(part) for part in fault["loc"]) or "(whole file)"
        message = fault["msg"].removeprefix("Value error, ")
        if fault["type"] == "extra_forbidden":
            message = "is not a known key; see config.example.yaml for those that are"
        if fault["type"] == "literal_error" and "then" in fault["loc"]:
            message = f"no platform offers this deed; {message[0].lower()}{message[1:]}"
        lines.append(f"  {place}: {message}")
    return "\n".join(lines)


def _no_twins(what: str, ids: list[str]) -> None:
    twins = {one for one in ids if ids.count(one) > 1}
    if twins:
        raise ValueError(f"{what}: the id {min(twins)!r} is used twice")


def _with_secrets(value: Any, base: Path, place: str = "") -> Any:
    """Replace ``{file: …}`` and ``{env: …}`` by what they name, wherever a secret may stand."""
    if isinstance(value, dict):
        if set(value) == {"env"}:
            if value["env"] not in os.environ:
                raise ConfigError(f"{place}: the environment has no variable {value['env']!r}")
            return os.environ[value["env"]]
        if set(value) == {"file"}:
            return _read_secret(base / str(value["file"]), place)
        return {key: _with_secrets(one, base, f"{place}.{key}".strip(".")) for key, one in value.items()}
    if isinstance(value, list):
        return [_with_secrets(one, base, f"{place}[{number}]") for number, one in enumerate(value)]
    return value


def _read_secret(path: Path, place: str) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise ConfigError(f"{place}: the secret file {path} cannot be read: {error.strerror}") from None


def keys(model: type[BaseModel] = Settings, prefix: str = "") -> Iterator[str]:
    """Every key of the file by its dotted name: what the example and the docs have to mention."""
    for name, field in model.model_fields.items():
        dotted = f"{prefix}{field.alias or name}"
        yield dotted
        for inner in _models(field.annotation):
            yield from keys(inner, f"{dotted}.")


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in getattr(annotation, "__args__", ()):
        yield from _models(argument)
