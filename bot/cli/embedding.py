"""``embed``: pictures of one's own become samples."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from bot.cli.opening import out, settings_of
from bot.domain.errors import ConfigError


def embed(
    context: typer.Context,
    pictures: Annotated[list[Path], typer.Argument(help="Pictures and folders.")],
    to: Annotated[Path, typer.Option("--to", help="The file to write, for `samples` of the detector.")],
    detector: Annotated[str, typer.Option("--detector", help="A detector of kind clip.")] = "clip",
) -> None:
    """Write down the embeddings of pictures, so that others can be compared with them. No picture is kept."""
    from bot.media.decode import ProcessDecoder
    from bot.operate.embedding import Embedded, embed
    from bot.operate.trying import files_in
    from bot.wiring import open_encoder

    if not to.parent.is_dir():  # before the work, and not after it
        raise ConfigError(f"{to}: there is no folder {to.parent}")
    settings, base = settings_of(context)
    encoder, pack = open_encoder(settings, detector, base=base)

    async def work() -> Embedded:
        decoder = ProcessDecoder(workers=1)
        try:
            return await embed(files_in(pictures), encoder, decoder, max_bytes=settings.media.max_bytes)
        finally:
            await decoder.aclose()

    made = asyncio.run(work())
    try:
        to.write_bytes(pack(made.rows))
    except OSError as error:
        raise ConfigError(f"{to}: cannot be written: {error.strerror}") from error
    for path, why in made.unread:
        out.print(f"left out: {path}: {why}", soft_wrap=True)
    out.print(f"{made.pictures} picture(s), {len(made.rows)} embedding(s): {to}", soft_wrap=True)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(embed)
