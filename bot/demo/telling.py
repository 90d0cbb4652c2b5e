"""What happened, for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rich.console import Console

LINES = (
    ("seen", "pictures seen in posts, comments, thumbnails"),
    ("files", "different files among them"),
    ("matched", "files on the block list"),
    ("reported", "reports filed"),
    ("removed", "posts removed"),
    ("marked", "posts put behind a warning"),
    ("purged", "files purged, thumbnails included"),
    ("limited", "accounts limited"),
    ("banned", "accounts banned or suspended"),
    ("verified", "deeds that the server confirms"),
    ("held", "deeds that waited for a human"),
    ("dismissed", "of them dismissed"),
    ("undone", "deeds taken back"),
)


def tell(console: Console, counts: Mapping[str, int], checks: Sequence[tuple[str, bool]], *, seconds: float) -> None:
    """Counts, then everything that should be so."""
    table = Table(title="\nWhat happened", title_justify="left", show_header=False, box=None, padding=(0, 2, 0, 0))
    for key, words in LINES:
        table.add_row(f"[bold]{counts.get(key, 0):>5}[/bold]", words)
    console.print(table)
    console.print("\n[bold]Asked of the servers, as their admins[/bold]")
    for what, so in checks:
        console.print(f"  [green]✓[/green] {what}" if so else f"  [red]✗ {what}[/red]")
    failed = sum(1 for _, so in checks if not so)
    verdict = "Everything is as it should be" if not failed else f"{failed} of {len(checks)} are not as they should be"
    console.print(f"\n{verdict} ({seconds:.0f} s).")
