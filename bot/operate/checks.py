"""What ``fediwarden check`` looks at on this machine; what it asks of a server is the instance's ``Inspector``."""

from __future__ import annotations

import io
import stat
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from PIL import Image

from bot import written
from bot.domain.decisions import BanAccount, Notify, PurgeFile, Remove, Stage
from bot.domain.errors import ConfigError, LedgerBusyError, LedgerError, PlatformError
from bot.domain.evidence import Unscannable
from bot.matching.lists import parse_list_file
from bot.ports import CheckResult, Topic

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from pathlib import Path

    from bot.domain.evidence import ListMode
    from bot.policy import Limits, Rule
    from bot.ports import Channel, Control, Decoder, Inspector, ListStore, Scorer


SECRETS = frozenset({"password", "token", "totp_secret", "api_key", "secret"})
_FLAG = "check/written"

LASTING = {
    PurgeFile.kind: ("purge", "purges", "purge"),
    Remove.kind: ("removal that nothing takes back", "removes", "remove"),
}
"""Deeds that platforms cannot take back: one of them, what a rule does that wants it, and what it may do."""


def repaired(inspector: Inspector) -> Sequence[CheckResult]:
    """Let an inspector put right what it can; one line if that went wrong, for what is so now is checked anyway."""
    try:
        inspector.repair()
    except PlatformError as error:
        return [CheckResult(what="repair", ok=False, detail=str(error), remedy="see the lines of this server below")]
    return []


def ledger(control: Control, now: str) -> CheckResult:
    """Whether something can be written and read back."""
    what = "ledger"
    try:
        control.set_flag(_FLAG, now)
        kept = control.flag(_FLAG) == now
        control.set_flag(_FLAG, None)
        holder = control.holder()
    except LedgerBusyError as error:
        return CheckResult(
            what=what, ok=False, detail=str(error), remedy="another process writes to it; try again in a moment"
        )
    except LedgerError as error:
        return CheckResult(
            what=what,
            ok=False,
            detail=str(error),
            remedy="see that it exists, can be written to and has room on its disk",
        )
    acts = f"acts now: {holder.holder}" if holder is not None else "nobody acts now"
    if not kept:
        return CheckResult(what=what, ok=False, detail="what was written did not come back", remedy="check the disk")
    return CheckResult(what=what, ok=True, detail=f"can be written; {acts}")


REMEDY: Final = (
    "the log above says why: see that its device and the driver work, or that the package of its weights is whole; "
    "files wait for it until then"
)


async def eyes(decoder: Decoder, scorer: Scorer | None) -> Sequence[CheckResult]:
    """One small picture through a decode worker and every detector."""
    decoded = await decoder.decode(_picture(), tuple(scorer.views) if scorer is not None else ())
    if isinstance(decoded, Unscannable):
        return [
            CheckResult(
                what="decode worker",
                ok=False,
                detail=decoded.detail,
                remedy="it is a process of its own that may take 1.5 GB: look at the memory limit of this service",
            )
        ]
    found = [
        CheckResult(what="decode worker", ok=True, detail=f"started, and read a picture ({decoded.media_type})"),
        CheckResult(what="videos", ok=True, detail=_of_videos()),
    ]
    if scorer is None:
        return found
    scores, gaps = await scorer.score(decoded)
    for detector, revision in sorted(scorer.revisions.items()):
        told = {score.label: score.value for score in scores if score.detector == detector}
        missing = [gap for gap in gaps if gap.startswith(f"{detector}:")]
        labels = ", ".join(sorted(told))
        found.append(
            CheckResult(
                what=f"detector {detector}",
                ok=bool(told) and not missing,
                detail="; ".join(missing) or f"{revision}: {labels}",
                remedy="" if told and not missing else REMEDY,
            )
        )
    if not scorer.revisions:
        found.append(CheckResult(what="detectors", ok=True, detail="none: only lists flag anything"))
    return found


def _of_videos() -> str:
    """No fault without it: not everybody wants to pay for videos, or has any."""
    if find_spec("av") is None:
        return "are unscannable here: PyAV is missing, which the extra `video` brings"
    return "are looked at frame by frame"


def _picture() -> bytes:
    """A colourful ramp: something to decode, and nothing to flag.

    Another one each time, or a detector would be said to work for what it is remembered to have answered.
    """
    ramp = np.linspace(0, 255, 64, dtype=np.uint8)
    blue = np.random.default_rng().integers(64, 128, (64, 64), dtype=np.uint8)
    picture = np.stack([np.tile(ramp, (64, 1)), np.tile(ramp[:, None], (1, 64)), blue], -1)
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "PNG")
    return buffer.getvalue()


def rules(these: Sequence[Rule], limits: Limits, lasting: Collection[str]) -> Sequence[CheckResult]:
    """How far the rules go, and whether what they need was decided.

    ``lasting``: kinds of deeds that nothing takes back on one of the configured platforms at least.
    """
    if not these:
        return [
            CheckResult(
                what="rules",
                ok=False,
                detail="there is none, so nothing follows from anything",
                remedy="write one under `rules`; config.example.yaml has three, docs/rules.md explains every key",
            )
        ]
    found = [CheckResult(what="stages", ok=True, detail="; ".join(f"{rule.id}: {rule.stage.word}" for rule in these))]
    purging = _wanting(these, PurgeFile.kind)
    if purging:
        found.append(_evidence(purging, limits))
    told = [_irreversible(kind, _wanting(these, kind), limits) for kind in LASTING if kind in lasting]
    if any(told):
        found.append(CheckResult(what="irreversible", ok=True, detail="; ".join(filter(None, told))))
    for rule in these:
        wanted = rule.when.score
        if (
            wanted is not None
            and wanted.calibrated_for is not None
            and not wanted.calibrated_for
            and (wanted.preset or not rule.uncalibrated)
        ):
            detail = f"only observes: {wanted.detector} was not calibrated on (enough) pictures of yours"
            found.append(CheckResult(what=f"rule {rule.id}", ok=True, detail=detail))
        if rule.unattended and rule.when.score is not None:
            deeds = [want.kind for want in rule.then if want.kind in {*LASTING} & {*lasting} | {BanAccount.kind}]
            if deeds:
                found.append(
                    CheckResult(
                        what=f"rule {rule.id}",
                        ok=True,
                        detail=f"may {' and '.join(deeds)} on a score alone, without you: `unattended: true`",
                    )
                )
    return found


def stale(these: Sequence[Rule], revisions: Mapping[str, str]) -> Iterator[CheckResult]:
    """Rules that only observe because what was calibrated is not what runs. ``revisions``: of the detectors by id."""
    for rule in these:
        wanted = rule.when.score
        if wanted is None or not wanted.calibrated_for or (rule.uncalibrated and not wanted.preset):
            continue
        running = revisions.get(wanted.detector)
        if running is not None and running not in wanted.calibrated_for:
            yield CheckResult(
                what=f"rule {rule.id}",
                ok=False,
                detail=f"only observes: {wanted.detector} runs as {running}, and calibrated was "
                f"{', '.join(sorted(wanted.calibrated_for))}",
                remedy=f"`fediwarden calibrate DIR --detector {wanted.detector}`, or take back what changed it",
            )


def _wanting(these: Sequence[Rule], kind: str) -> Sequence[Rule]:
    return [rule for rule in these if any(want.kind == kind for want in rule.then)]


def _evidence(purging: Sequence[Rule], limits: Limits) -> CheckResult:
    names = ", ".join(rule.id for rule in purging)
    if limits.evidence is None:
        return CheckResult(
            what="evidence",
            ok=False,
            detail=f"no choice was made, so the purges of {names} are held and cannot be approved either",
            remedy="set `evidence: none` if no copy of a purged file is to be kept, or take `purge_file` out of `then`",
        )
    return CheckResult(what="evidence", ok=True, detail=f"{limits.evidence}: no copy of a purged file is kept")


def _irreversible(kind: str, wanting: Sequence[Rule], limits: Limits) -> str:
    if not wanting:
        return ""
    one, many, verb = LASTING[kind]
    alone = [rule.id for rule in wanting if rule.stage is Stage.ENFORCE]
    if kind not in limits.irreversible:
        return f"{kind} is not named: every {one} waits for your approval"
    if alone:
        return f"{kind} is named: {', '.join(alone)} may {verb} without you on an exact hit"
    return f"{kind} is named, but no rule that {many} has reached the stage enforce"


def channels(these: Sequence[Channel], rules: Sequence[Rule]) -> Iterator[CheckResult]:
    """Whether messages would get out, without sending any; and whether somebody hears what rules have to say."""
    for channel in these:
        result = channel.notifier.check()
        yield CheckResult(what=f"channel {channel.id}", ok=result.ok, detail=result.detail, remedy=result.remedy)
    telling = [rule.id for rule in _wanting(rules, Notify.kind)]
    if telling and not any(Topic.CASES in channel.about for channel in these):
        yield CheckResult(
            what="notify",
            ok=False,
            detail=f"{', '.join(telling)} would notify somebody, and no channel is about `cases`",
            remedy="configure a channel under `notify`, or take `notify` out of `then`",
        )


def configuration(path: Path) -> CheckResult:
    """Whether others on this machine can read a secret out of the configuration itself."""
    what = "configuration"
    plain = list(_plain_secrets(written.read(path.read_text(encoding="utf-8"), str(path))))
    mode = stat.S_IMODE(path.stat().st_mode)
    if plain and mode & 0o077:
        return CheckResult(
            what=what,
            ok=False,
            detail=f"{path} holds {', '.join(plain)} in plain text, and others on this machine may read it ({mode:o})",
            remedy=f"chmod 600 {path}, or write `{{file: …}}` or `{{env: …}}` instead of the secret",
        )
    return CheckResult(what=what, ok=True, detail=f"{path} is valid")


def _plain_secrets(value: Any, place: str = "") -> Iterator[str]:
    if isinstance(value, dict):
        for key, one in value.items():
            here = f"{place}.{key}".strip(".")
            if key in SECRETS and isinstance(one, str):
                yield here
            else:
                yield from _plain_secrets(one, here)
    elif isinstance(value, list):
        for one in value:
            yield from _plain_secrets(one, place)


def listed(list_id: str, mode: ListMode, file: Path | None, store: ListStore) -> CheckResult:
    """Whether a list can be read, and how much is on it."""
    kept = len(store.entries(list_id))
    if file is None:
        return CheckResult(what=f"list {list_id}", ok=True, detail=f"{mode.value}: {kept} entries in the ledger")
    try:
        in_file = len(parse_list_file(file, list_id, mode))
    except ConfigError as error:
        return CheckResult(what=f"list {list_id}", ok=False, detail=str(error), remedy="docs/rules.md has the format")
    return CheckResult(
        what=f"list {list_id}",
        ok=True,
        detail=f"{mode.value}: {kept} entries in the ledger, {in_file} in {file}",
    )
