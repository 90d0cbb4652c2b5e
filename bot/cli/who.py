"""``who``: from whatever an operator has at hand to the file, and all that is known of it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bot.cli.exits import Exit
from bot.cli.opening import AsJson, bold, house_of, out, print_json
from bot.cli.words import describe_scan
from bot.domain.content import StorageKey
from bot.operate.returned import in_words as came_back
from bot.operate.returned import ways_back

if TYPE_CHECKING:
    from bot.attribution import Made
    from bot.domain.content import Name, Sighting
    from bot.domain.evidence import Attribution
    from bot.operate.who import Found

_STORED = re.compile(r"(?:/[0-9a-fA-F]{2}){10}/[0-9a-fA-F]{12}")
"""A path of pict-rs's store in an address."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("who")(who)


def who(
    context: typer.Context,
    what: Annotated[
        str,
        typer.Argument(
            help="An alias, the URL of an image or post, a SHA-256, a path in the file store, or an object key."
        ),
    ],
    as_json: AsJson = False,
) -> None:
    """Say who uploaded a file, where it is shown, what else it is called, and how each of these is known."""
    from bot.operate.who import who as ask

    with house_of(context) as house:
        found = ask(house.ledger, house.index, house.instances, what)
    if as_json:
        print_json([_plain(one) for one in found])
    for one in [] if as_json else found:
        _print(one)
    if not found:
        if not as_json:
            out.print(_nothing(what))
        raise typer.Exit(Exit.UNKNOWN)


def _print(found: Found) -> None:
    out.print(bold(f"file {found.file.id}", f"  sha256 {found.file.sha256 or 'not known yet'}"))
    out.print(f"  scan: {describe_scan(found.file.scan)}")
    if found.file.case is not None:
        out.print(f"  case: {found.file.case}")
    if told := came_back(found.returned):
        out.print(f"  {told}")
    for name, attribution in found.known.attributions.items():
        _print_name(found, name, attribution)
    for made in found.known.thumbnails:
        _line(f"  {made.record.name}", f"    {_how_made(made)}")
    for record in found.known.orphans:
        _line(f"  {record.name}", "    looks_like: another file, which nothing else explains")
    for missing in found.unasked:
        _line(f"  not asked: {missing}")


def _print_name(found: Found, name: Name, attribution: Attribution) -> None:
    places = [sighting for sighting in found.known.sightings if sighting.name == name]
    _line(f"  {name}", f"    known by: {', '.join(found.known_by(name))}")
    if isinstance(name, StorageKey) and not places:
        return  # where the bytes lie: nobody is asked who stored them under that, and nothing shows it
    uploader = attribution.uploader.handle if attribution.uploader else "unknown"
    how = "" if attribution.uploader is None else f" ({attribution.how.word})"
    _line(f"    uploader: {uploader}{how}")
    shown = dict.fromkeys(map(_place, places))  # a post may show it in several sizes
    _line(*(f"    shown in: {place}" for place in shown or ("nowhere that was seen",)))


def _place(sighting: Sighting) -> str:
    author = f", by {sighting.subject.author.handle}" if sighting.subject.author else ""
    return f"{sighting.subject.url} ({sighting.media.role.value}{author})"


def _line(*lines: str) -> None:
    """Whole, however narrow the terminal: names and addresses are there to be copied."""
    for line in lines:
        out.print(line, soft_wrap=True)


def _how_made(made: Made) -> str:
    if not made.looks_alike:
        return "shown as its thumbnail (thumbnail_of), and does not look alike"
    if made.sure:
        return "its thumbnail (thumbnail_of)"
    return "looks_like: it may be of another picture, or somebody's own"


def _nothing(what: str) -> str:
    if "://" in what and _STORED.search(what):
        return (
            "Nothing is known of it. Of the address of an object in your store give what stands behind host and bucket."
        )
    if ("/" in what or "\\" in what) and "://" not in what:
        return (
            "Nothing leads from there to a name. The file may be gone, or a variant (a smaller copy, a still): no "
            "call leads from these to their file. Without `pictrs` in the settings nobody can be asked; and for a "
            "path that says no time, the newest 20,000 files are looked through."
        )
    return "Nothing is known of it. `fediwarden process-one URL` looks at it now."


def _plain(found: Found) -> dict[str, Any]:
    first_seen = {record.name: record.first_seen for record in found.known.records}
    uploaded = {upload.name: upload.uploaded_at for upload in found.known.uploads}
    return {
        "file": found.file.id,
        "sha256": found.file.sha256,
        "case": found.file.case,
        "scan": describe_scan(found.file.scan),
        "names": [
            {
                "name": str(name),
                "url": found.known.addresses[name],
                "known_by": found.known_by(name),
                "first_seen": first_seen.get(name),
                "uploader": attribution.uploader.handle if attribution.uploader else None,
                "how": attribution.how.word,
                "uploaded_at": uploaded.get(name),
                "shown_in": [
                    {
                        "subject": str(sighting.subject.key),
                        "url": sighting.subject.url,
                        "role": sighting.media.role.value,
                        "author": sighting.subject.author.handle if sighting.subject.author else None,
                        "seen_at": sighting.seen_at,
                    }
                    for sighting in found.known.sightings
                    if sighting.name == name
                ],
            }
            for name, attribution in found.known.attributions.items()
        ],
        "thumbnails": [
            {"name": str(made.record.name), "looks_alike": made.looks_alike, "sure": made.sure}
            for made in found.known.thumbnails
        ],
        "look_alikes": [str(record.name) for record in found.known.orphans],
        "purged_at": found.returned.purged_at,
        "returned": ways_back(found.returned),
        "not_asked": list(found.unasked),
    }
