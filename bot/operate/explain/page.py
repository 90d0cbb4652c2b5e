"""An explanation as one page of HTML.

There is no link in it, so that nobody comes upon a picture by a slip of the finger.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from bot.operate.explain.foreign import visible
from bot.operate.explain.plain import (
    NOTICE,
    WITHHELD,
    deed_facts,
    file_words,
    moment,
    name_words,
    rested_on,
    state_words,
    times,
)
from bot.operate.paper import foreign, head

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from bot.operate.explain.shape import DeedLine, Explanation, FileLine, Line, TryLine, VerdictLine

STYLE = """
body { max-width: 64rem; }
h2 { font-size: 1.1rem; }
h1, h3, li { overflow-wrap: anywhere; }
.card { margin: .8rem 0; }
.state { display: inline-block; padding: 0 .5rem; border: 1px solid var(--line); border-radius: 1rem;
  background: var(--wash); font-size: .85rem; font-weight: normal; }
dl { display: grid; grid-template-columns: 12rem 1fr; gap: .15rem 1rem; margin: .35rem 0; }
dt { color: var(--faint); }
dd { margin: 0; min-width: 0; overflow-wrap: anywhere; }
table { font-size: .93rem; }
th, td { padding: .35rem .8rem .35rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
td:last-child, th:last-child { padding-right: 0; }
td { overflow-wrap: anywhere; }
.when { width: 1%; white-space: nowrap; font-variant-numeric: tabular-nums; overflow-wrap: normal; }
.what { width: 1%; white-space: nowrap; overflow-wrap: normal; }
.who { width: 14rem; min-width: 12rem; }
ul { margin: .15rem 0 0; padding-left: 1.1rem; color: var(--faint); }
code, pre { font: .88em/1.45 ui-monospace, "DejaVu Sans Mono", "Liberation Mono", Menlo, monospace; }
pre { margin: .4rem 0 0; padding: .6rem .8rem; background: var(--wash); border-radius: 4px; white-space: pre-wrap;
  overflow-wrap: anywhere; }
@media (max-width: 44rem) {
  .timeline, .timeline tbody, .timeline tr, .timeline td { display: block; width: auto; border: 0; padding: 0; }
  .timeline thead { display: none; }
  .timeline tr { padding: .5rem 0; border-bottom: 1px solid var(--line); }
  dl { grid-template-columns: 1fr; gap: 0; } dd { margin-bottom: .35rem; }
}
"""


def as_page(explanation: Explanation) -> str:
    """The whole page."""
    return "".join(_page(explanation))


def _page(told: Explanation) -> Iterator[str]:
    yield head(f"Case {told.case}", STYLE)
    yield f"<h1>Case {told.case} <span class=state>{foreign(told.state)}</span></h1>\n"
    yield f"<p>{foreign(told.headline) or 'Nothing has flagged it.'}</p>\n"
    yield (
        f"<p class=faint>Opened {moment(told.opened)}. Written {moment(told.written)} by fediwarden "
        f"{foreign(told.version)}.</p>\n"
    )
    withheld = (WITHHELD,) if told.names_withheld else ()
    yield f"<p class=notice>{'<br>'.join(escape(line) for line in (*NOTICE, *withheld))}</p>\n"
    yield f"<h2>Times</h2>\n{_list(times(told.times))}"
    yield "<h2>Files</h2>\n"
    yield from (_file(file) for file in told.files)
    yield "<h2>Verdicts</h2>\n" + ("" if told.verdicts else "<p>None.</p>\n")
    yield from (_verdict(verdict) for verdict in told.verdicts)
    yield "<h2>Deeds</h2>\n" + ("" if told.deeds else "<p>None.</p>\n")
    yield from (_deed(deed) for deed in told.deeds)
    yield "<h2>Timeline</h2>\n<table class=timeline>\n"
    yield "<thead><tr><th>When (UTC)<th>What<th>Who<th>Detail</thead>\n<tbody>\n"
    yield from (_line(line) for line in told.timeline)
    yield "</tbody>\n</table>\n</body>\n</html>\n"


def _list(pairs: Iterable[tuple[str, str]]) -> str:
    rows = "".join(f"<dt>{escape(label)}<dd>{foreign(value)}" for label, value in pairs)
    return f"<dl>{rows}</dl>\n"


def _facts(facts: Iterable[str]) -> str:
    items = "".join(f"<li>{foreign(fact)}" for fact in facts)
    return f"<ul>{items}</ul>" if items else ""


def _file(file: FileLine) -> str:
    names = [f"{name.name} ({name_words(since=name.since, still=name.still)})" for name in file.names]
    facts = _facts([*(f"called {name}" for name in names), *(f"structure: {oddity}" for oddity in file.oddities)])
    return (
        f"<div class=card><h3>File {file.file}</h3><p>{foreign(file_words(file))}</p>"
        f"<p class=faint>SHA-256 <code>{escape(file.sha256 or 'never known')}</code></p>{facts}</div>\n"
    )


def _verdict(verdict: VerdictLine) -> str:
    if verdict.rule_text is None:
        wording = "<p class=faint>The rule's wording at that time was not kept.</p>"
    else:
        lines = "\n".join(escape(visible(line)) for line in verdict.rule_text.strip("\n").split("\n"))
        wording = f"<pre>{lines}</pre>"
    return (
        f"<div class=card><h3>Rule {foreign(verdict.rule)}</h3><p>{foreign(verdict.because)}</p>"
        f"<p class=faint>{moment(verdict.at)}, file {verdict.file}, rule digest "
        f"<code>{escape(verdict.rule_digest)}</code></p>{_facts(rested_on(verdict))}{wording}</div>\n"
    )


def _deed(deed: DeedLine) -> str:
    tries = _table("Try", "Answer", [_try(one) for one in deed.tries]) if deed.tries else ""
    return (
        f"<div class=card><h3>{escape(deed.deed)} <span class=state>{foreign(state_words(deed))}</span></h3>"
        f"<p>{foreign(deed.on)} <span class=faint>(intent {deed.intent})</span></p>"
        f"{_list(deed_facts(deed))}{tries}</div>\n"
    )


def _try(one: TryLine) -> tuple[str, str]:
    took = f"{'undo, ' if one.undo else ''}{moment(one.at)}"
    said = ": ".join(part for part in (one.outcome.replace("_", " "), one.code, one.note) if part)
    return escape(took), foreign(said)


def _table(one: str, other: str, rows: Iterable[tuple[str, str]]) -> str:
    body = "".join(f"<tr><td class=when>{left}<td>{right}" for left, right in rows)
    return f"<table><thead><tr><th>{one}<th>{other}</thead><tbody>{body}</tbody></table>"


def _line(line: Line) -> str:
    return (
        f"<tr><td class=when>{line.at:%Y-%m-%d %H:%M:%S}<td class=what>{escape(line.what)}<td class=who>"
        f"{foreign(line.who)}<td>{foreign(line.text)}{_facts(line.facts)}\n"
    )
