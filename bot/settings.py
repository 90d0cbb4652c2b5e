"""The YAML file an operator writes: every key typed, an unknown one is an error, secrets by file or environment.

Read by the command line and the composition root only. Instances and detectors are validated by whoever speaks to them
(``adapters.registry``, ``bot.classify.registry``); everything else is described here.
"""

from __future__ import annotations

import os
import re
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from bot.domain.content import Role
from bot.domain.decisions import Scope, Stage
from bot.domain.errors import ConfigError
from bot.domain.evidence import How, ListMode

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


Duration: TypeAlias = Annotated[timedelta, BeforeValidator(_duration)]
StageWord: TypeAlias = Annotated[Stage, _by_word({stage.word: stage for stage in Stage})]
HowWord: TypeAlias = Annotated[How, _by_word({how.word: how for how in How})]
DeedWord: TypeAlias = Literal["report", "remove", "purge_file", "ban_account"]
Id: TypeAlias = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")]
Count: TypeAlias = Annotated[int, Field(ge=0)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ScoreSettings(_Strict):
    """A detector's score for a label reaches a threshold."""

    detector: Id
    label: str
    at_least: Annotated[float, Field(gt=0, le=1)]


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


class RuleSettings(_Strict):
    """A condition and what follows."""

    id: Id
    stage: StageWord | None = None
    when: WhenSettings
    then: Annotated[tuple[DeedWord, ...], Field(min_length=1)]
    ban: BanSettings = BanSettings()
    unattended: bool = False
    any_use: bool = False
    hold_first: Count = 0
    attribution: HowWord = How.HOSTED_BY_AUTHORS_SERVER
    text: Annotated[str, Field(min_length=1, max_length=200)] = "Automated check: please review"


class ListSettings(_Strict):
    """One list: entries in the ledger, and a file if there is one."""

    id: Id
    mode: ListMode
    file: Path | None = None


class DayQuotaSettings(_Strict):
    """Deeds allowed in any 24 hours."""

    report: Count = 1000
    remove: Count = 1000
    purge_file: Count = 500
    ban_account: Count = 100
    set_switch: Count = 10


class AccountQuotaSettings(_Strict):
    """Deeds allowed in any 24 hours about one account."""

    report: Count = 100
    remove: Count = 100
    purge_file: Count = 100
    ban_account: Count = 5


class CommunityQuotaSettings(_Strict):
    """Deeds allowed in any 24 hours in one community."""

    report: Count = 500
    remove: Count = 500


class QuotaSettings(_Strict):
    """Deeds allowed in any hour, and other limits."""

    report: Count = 120
    remove: Count = 120
    purge_file: Count = 60
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

    accounts: frozenset[str] = frozenset()
    communities: frozenset[str] = frozenset()


class MediaSettings(_Strict):
    """Bounds for downloading and decoding."""

    max_bytes: Annotated[int, Field(ge=1024)] = 100 * 1024 * 1024
    fetch_seconds: Annotated[float, Field(gt=0)] = 60.0
    private_hosts: frozenset[str] = frozenset()
    decode_workers: Annotated[int, Field(ge=1, le=64)] = 2
    decode_seconds: Annotated[float, Field(gt=0)] = 10.0


class Settings(_Strict):
    """The whole file."""

    version: Literal[1] = Field(alias="schema")
    ledger: str = "sqlite:///fediwarden.db"
    stage: StageWord = Stage.OBSERVE
    backlog_stage: StageWord = Stage.REPORT
    irreversible: frozenset[Literal["purge_file"]] = frozenset()
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

    @model_validator(mode="after")
    def _refers_to_what_exists(self) -> Settings:
        _no_twins("rules", [rule.id for rule in self.rules])
        _no_twins("lists", [one.id for one in self.lists])
        _no_twins("instances", [str(one.get("id")) for one in self.instances])
        _no_twins("detectors", [str(one.get("id")) for one in self.detectors])
        lists = {one.id for one in self.lists if one.mode is ListMode.BLOCK} | {LOCAL_BLOCK}
        detectors = {str(one.get("id")) for one in self.detectors}
        for rule in self.rules:
            for wanted in rule.when.lists:
                if wanted not in lists:
                    raise ValueError(f"rule {rule.id}: there is no block list {wanted!r} under `lists`")
            if rule.when.score is not None and rule.when.score.detector not in detectors:
                raise ValueError(f"rule {rule.id}: there is no detector {rule.when.score.detector!r} under `detectors`")
        return self


LOCAL_BLOCK = "confirmed"
"""The block list that fills itself with what confirmed cases removed."""


def load(path: Path) -> Settings:
    """Read a file. Raises ``ConfigError`` with the place of every fault and what to write instead."""
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(f"{path}: there is no such file; `fediwarden init` writes one") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read: {error}") from error
    except yaml.YAMLError as error:
        raise ConfigError(f"{path}: is not YAML: {_where(error)}") from None
    if not isinstance(raw, dict):
        raise ConfigError(f"{path}: has to be a mapping that starts with `schema: 1`")
    if raw.get("schema") != 1:
        raise ConfigError(f"{path}: `schema` is {raw.get('schema')!r}; this version reads `schema: 1`")
    try:
        return Settings.model_validate(_with_secrets(raw, path.parent))
    except ValidationError as error:
        raise ConfigError(explain(error, str(path))) from None


def _where(error: yaml.YAMLError) -> str:
    """What is wrong and in which line, without the line: a password may stand in it."""
    mark = getattr(error, "context_mark", None) or getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or type(error).__name__
    return f"{problem} (line {mark.line + 1})" if mark is not None else str(problem)


def explain(error: ValidationError, where: str) -> str:
    """A validation error as lines an operator can act on; values are left out, for they may be secrets."""
    lines = [f"{where}: {error.error_count()} thing(s) to mend"]
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
