"""An explanation as one page of HTML that loads nothing, runs nothing and leads nowhere.

Its policy allows one style sheet, by digest, and nothing else: no picture, no script, no request. There is no link in
it, so that nobody comes upon a picture by a slip of the finger. Everything foreign is escaped and kept to itself
(``bdi``), with unseen characters spelt out.
"""

from __future__ import annotations

import base64
import hashlib
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

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from bot.operate.explain.shape import DeedLine, Explanation, FileLine, Line, TryLine, VerdictLine

STYLE = """
:root { color-scheme: light dark; --ink: #1c2024; --faint: #5b6470; --line: #d5dae0; --wash: #f4f6f8; --mark: #2b5d9b; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6e9ec; --faint: #9aa5b1; --line: #39414a; --wash: #1f252b; --mark: #8fb8ea; }
  body { background: #15191d; }
}
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 2rem 1.25rem 4rem; max-width: 64rem; color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", sans-serif; }
h1 { margin: 0 0 .25rem; font-size: 1.6rem; line-height: 1.25; }
h2 { margin: 2.25rem 0 .6rem; font-size: 1.1rem; border-bottom: 1px solid var(--line); padding-bottom: .25rem; }
h3 { margin: 0 0 .35rem; font-size: 1rem; }
p, h1, h3, li { overflow-wrap: anywhere; }
p { margin: .3rem 0; }
.faint { color: var(--faint); }
.notice { margin-top: .9rem; padding: .55rem .8rem; background: var(--wash); border-left: 3px solid var(--mark); }
.card { margin: .8rem 0; padding: .8rem 1rem; border: 1px solid var(--line); border-radius: 6px; }
.state { display: inline-block; padding: 0 .5rem; border: 1px solid var(--line); border-radius: 1rem;
  background: var(--wash); font-size: .85rem; font-weight: normal; }
dl { display: grid; grid-template-columns: 12rem 1fr; gap: .15rem 1rem; margin: .35rem 0; }
dt { color: var(--faint); }
dd { margin: 0; min-width: 0; overflow-wrap: anywhere; }
table { width: 100%; border-collapse: collapse; font-size: .93rem; }
th { text-align: left; font-weight: 600; color: var(--faint); }
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
@media print { body { max-width: none; padding: 0; font-size: 10.5pt; } .card, tr { break-inside: avoid; } }
"""

POLICY = (
    "default-src 'none'; "
    f"style-src 'sha256-{base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()}'; "
    "base-uri 'none'; form-action 'none'"
)


def as_page(explanation: Explanation) -> str:
    """The whole page."""
    return "".join(_page(explanation))


def _page(told: Explanation) -> Iterator[str]:
    yield (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{escape(POLICY)}">\n'
        '<meta name="referrer" content="no-referrer">\n<meta name="robots" content="noindex, nofollow">\n'
        '<meta name="format-detection" content="telephone=no, email=no, address=no, url=no">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>Case {told.case}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n"
    )
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


def foreign(text: str) -> str:
    """Text from anywhere, as HTML."""
    return f"<bdi>{escape(visible(text))}</bdi>" if text else ""


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
