"""``init``: the first configuration. ``check``, its counterpart, is in ``checking``."""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from pydantic import ValidationError
from rich.padding import Padding

from bot.cli.asking import Questions
from bot.cli.checking import check
from bot.cli.choices import EVIDENCE, PLACES, STAGES, UPLOADS, EvidenceWord, Place, StageWord, UploadsWord
from bot.cli.exits import Exit
from bot.cli.opening import bold, out
from bot.domain.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bot.operate.nodeinfo import Software
    from bot.operate.setup import PictrsChoice, SecretRef


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.command("init")(init)
    app.command("check")(check)


def init(
    context: typer.Context,
    url: Annotated[str | None, typer.Option(help="Address of your server.")] = None,
    username: Annotated[str | None, typer.Option(help="Lemmy: the bot's account there; it has to be an admin.")] = None,
    password_env: Annotated[
        str | None, typer.Option(help="Name of a variable with the password, to be read at every start.")
    ] = None,
    password_stdin: Annotated[bool, typer.Option("--password-stdin", help="Read the password from stdin.")] = False,
    token_env: Annotated[
        str | None, typer.Option(help="Mastodon: name of a variable with the bot's token, to be read at every start.")
    ] = None,
    token_stdin: Annotated[
        bool, typer.Option("--token-stdin", help="Mastodon: read the bot's token from stdin.")
    ] = False,
    pictrs_url: Annotated[
        str | None, typer.Option(help="Address of pict-rs itself, so that a purge takes all names of a file.")
    ] = None,
    pictrs_key_env: Annotated[
        str | None, typer.Option(help="Name of a variable with the API key of pict-rs, to be read at every start.")
    ] = None,
    stage: Annotated[StageWord | None, typer.Option(help="How far rules may go by themselves.")] = None,
    evidence: Annotated[EvidenceWord | None, typer.Option(help="What is kept of a purged file.")] = None,
    unposted_uploads: Annotated[UploadsWord | None, typer.Option(help="Uploads that nobody posted.")] = None,
    start_from: Annotated[
        str | None, typer.Option(help="What was there before: now (none of it), all, or the last days, such as 30d.")
    ] = None,
    place: Annotated[Place | None, typer.Option(help="Whose duties to show.")] = None,
    yes: Annotated[
        bool, typer.Option("--yes", "--non-interactive", "-y", help="Ask nothing: take defaults, or stop.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace an existing configuration.")] = False,
) -> None:
    """Write a configuration, after asking your server what it is. The bot begins in `observe`: it only looks."""
    from bot.operate import setup

    path: Path = context.obj
    for word, stdin, variable in (("password", password_stdin, password_env), ("token", token_stdin, token_env)):
        if stdin and variable is not None:
            raise ConfigError(f"--{word}-stdin and --{word}-env exclude each other")
    if start_from is not None:
        _check_start(start_from)
    if path.exists() and not force:
        raise ConfigError(f"{path} is there already; --force replaces it, --config names another file")
    questions = Questions(asks=not yes and not password_stdin and not token_stdin and sys.stdin.isatty())

    software = _server(url or questions.required("Address of your server", option="--url"))
    out.print(f"{software.url} runs {software}.")
    _show_duties(place or questions.choose("Where are you and your server?", PLACES, Place.OTHER))
    if not questions.agree("Go on?"):
        raise typer.Exit(Exit.NOT_SO)

    secrets = _Secrets(questions, software.platform)
    login: setup.LemmyLogin | setup.MastodonLogin
    if software.platform == "mastodon":
        out.print("Its token is made at Preferences, Development, of the bot's account (docs/mastodon.md).")
        token = secrets.reference("token", token_env, "Its token (empty: I put it there myself)", stdin=token_stdin)
        login = setup.MastodonLogin(token=token)
    else:
        username = username or questions.required("The bot's account there, an admin", option="--username")
        ask = f"Password of {username} (empty: I put it there myself)"
        password = secrets.reference("password", password_env, ask, stdin=password_stdin)
        pictrs = _pictrs(pictrs_url, pictrs_key_env, questions, secrets)
        login = setup.LemmyLogin(username=username, password=password, pictrs=pictrs)
    lemmy = isinstance(login, setup.LemmyLogin)  # where files can be purged, and uploads that nobody posted be seen
    choices = setup.Choices(
        software=software,
        login=login,
        stage=(stage or questions.choose("How far may rules go by themselves?", STAGES, StageWord.OBSERVE)).value,
        evidence=_evidence(evidence, questions) if lemmy else None,
        unposted_uploads=(
            unposted_uploads
            or (
                questions.choose("Uploads that nobody posted?", UPLOADS, UploadsWord.SCAN)
                if lemmy
                else UploadsWord.SCAN
            )
        ).value,
        start_from=_start_from(start_from, questions),
    )
    _write(path, setup.render(choices, written=datetime.now(UTC).date()), secrets)
    _say_next(path, secrets)


class _Secrets:
    """What the configuration will refer to, and what was typed in for it."""

    def __init__(self, questions: Questions, platform: str) -> None:
        self._questions = questions
        self._platform = platform
        self.references: list[SecretRef] = []
        self.given: dict[str, str] = {}  # file, as the configuration names it -> its content

    def reference(self, name: str, variable: str | None, question: str, *, stdin: bool = False) -> SecretRef:
        from bot.operate.setup import SecretRef, secret_file

        if variable is not None:
            reference = SecretRef(kind="env", where=variable)
        else:
            reference = secret_file(name, self._platform)
            given = sys.stdin.readline().strip() if stdin else self._questions.hidden(question)
            self.given[reference.where] = given
        self.references.append(reference)
        return reference

    def missing(self, base: Path) -> Sequence[SecretRef]:
        """References that lead nowhere as yet."""
        return [
            one
            for one in self.references
            if (one.kind == "env" and one.where not in os.environ)
            or (one.kind == "file" and not (base / one.where).exists())
        ]


def _server(url: str) -> Software:
    from bot.operate import nodeinfo

    try:
        origin = nodeinfo.origin_of(url)
    except ValueError as error:
        raise ConfigError(f"--url {url!r}: {error}") from None
    software = nodeinfo.ask(origin)
    nodeinfo.require_supported(software)
    return software


def _show_duties(place: Place) -> None:
    from bot.operate import duties

    out.print(bold(f"\n{duties.HEADLINE}: {PLACES[place]}"))
    for paragraph in duties.notice(place.value):
        out.print(Padding(f"- {paragraph}", (0, 0, 0, 2)))
    out.print()


def _pictrs(url: str | None, variable: str | None, questions: Questions, secrets: _Secrets) -> PictrsChoice | None:
    from bot.operate import nodeinfo
    from bot.operate.setup import PictrsChoice

    given = url or questions.optional("Address of pict-rs itself, such as http://127.0.0.1:8080 (empty: none)")
    if not given:
        return None
    try:
        origin = nodeinfo.origin_of(given)
    except ValueError as error:
        raise ConfigError(f"--pictrs-url {given!r}: {error}") from None
    return PictrsChoice(
        url=origin, api_key=secrets.reference("pictrs-key", variable, "Its API key (empty: I put it there myself)")
    )


def _evidence(given: EvidenceWord | None, questions: Questions) -> str | None:
    word = given or questions.choose("What is kept of a purged file?", EVIDENCE, EvidenceWord.UNDECIDED)
    return None if word is EvidenceWord.UNDECIDED else word.value


def _start_from(given: str | None, questions: Questions) -> str:
    if given is None:
        given = questions.optional("What was there before: now (none of it), all, or a time such as 30d [now]") or "now"
        _check_start(given)
    return given


def _check_start(given: str) -> None:
    from bot.settings import Settings

    try:
        Settings.model_validate({"schema": 1, "instances": [{}], "start_from": given})
    except ValidationError:
        raise ConfigError(
            f"--start-from {given!r}: write now, all, or a number and a unit, such as 12h, 30d or 2w"
        ) from None


def _write(path: Path, text: str, secrets: _Secrets) -> None:
    from bot.operate.setup import write_private
    from bot.settings import load

    try:
        for where, secret in secrets.given.items():
            if secret:
                write_private(path.parent / where, f"{secret}\n")
        write_private(path, text)
    except OSError as error:
        raise ConfigError(f"{error.filename or path} cannot be written: {error.strerror}") from None
    if not secrets.missing(path.parent):
        load(path)


def _say_next(path: Path, secrets: _Secrets) -> None:
    out.print(f"Written: {path} (only you can read it)")
    missing = secrets.missing(path.parent)
    for one in missing:
        if one.kind == "env":
            out.print(f"Still to do: set {one.where} in the environment of the bot")
        else:
            out.print(f"Still to do: put the secret into {path.parent / one.where}, mode 600")
    out.print(
        f"{'Then' if missing else 'Next'}: `fediwarden check`, and `fediwarden run` once that finds nothing wrong."
    )
