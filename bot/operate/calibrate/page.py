"""The measurements as one page of HTML that shows no picture that was measured."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from bot.classify.calibration import RATES
from bot.classify.false_alarms import METHOD, pictures_needed
from bot.operate.calibrate.plot import curve, forest
from bot.operate.calibrate.words import ASSUMED, between, flagged, number, percent, score, true_alarms
from bot.operate.paper import foreign, head

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bot.operate.calibrate.shape import Line, Measured, Report

UNREAD_SHOWN = 50

STYLE = """
body { max-width: 76rem; }
h4 { margin: .9rem 0 .2rem; font-size: .95rem; }
p { max-width: 60rem; }
.whole { white-space: nowrap; }
.warn { color: var(--warn); }
.side { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 28rem), 1fr)); gap: 1rem; }
.card { min-width: 0; }
.wide { overflow-x: auto; }
table { font-size: .9rem; font-variant-numeric: tabular-nums; }
th { vertical-align: bottom; }
th, td { padding: .3rem .8rem .3rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
svg { display: block; width: 100%; height: auto; max-width: 36rem; margin: .4rem 0; }
svg text { font-size: 11px; fill: var(--faint); }
svg .grid { stroke: var(--line); stroke-width: 1; }
svg .band { fill: var(--mark); opacity: .18; stroke: none; }
svg polyline.data { fill: none; stroke: var(--mark); stroke-width: 2; }
svg line.data { stroke: var(--mark); stroke-width: 2; }
svg circle.data { fill: var(--mark); }
svg line.differs { stroke: var(--warn); stroke-width: 2; }
svg circle.differs { fill: var(--warn); }
svg line.mark { stroke: var(--ink); stroke-width: 1; stroke-dasharray: 3 3; }
svg text.mark { fill: var(--ink); }
"""


def as_page(told: Report) -> str:
    """The whole page. What belongs to two detectors stands side by side."""
    return "".join(_page(told))


def _page(told: Report) -> Iterator[str]:
    yield head(f"False alarms on {told.pictures:,} pictures", STYLE)
    yield f"<h1>False alarms on {told.pictures:,} harmless pictures</h1>\n"
    yield f"<p class=faint>{foreign(told.folder)}, {told.made:%Y-%m-%d %H:%M} UTC. Bounds: {METHOD}.</p>\n"
    yield (
        "<p class=notice>Whether the pictures are harmless is for you to say: everything flagged here counts as a "
        "false alarm. The numbers hold for pictures like these, and for one revision of each detector.</p>\n"
    )
    yield from _left_out(told)
    yield "<h2>Detectors</h2>\n<div class=side>\n"
    yield from (_detector(measured) for measured in told.detectors)
    yield "</div>\n"
    yield f"<h2>Rules</h2>\n{''.join(_rules(told))}"
    names = dict.fromkeys(label.id for measured in told.detectors for label in measured.labels)
    for name in names:
        yield f"<h2>{escape(name)}</h2>\n<div class=side>\n"
        for measured in told.detectors:
            yield from _label(name, measured, told)
        yield "</div>\n"
    if told.groups:
        yield from _groups(told)
    yield from _reading(told)
    yield "</body>\n</html>\n"


def _left_out(told: Report) -> Iterator[str]:
    if told.twins:
        yield f"<p>{told.twins:,} file(s) have the bytes of another one and were not counted again.</p>\n"
    if told.unread:
        yield (
            f"<p class=warn>{len(told.unread):,} file(s) could not be read, or not all of it. They count neither as "
            "harmless nor as flagged.</p>\n<details><summary>Which</summary>"
            "<div class=wide><table><tr><th>file<th>why<th>detail"
        )
        for file, kind, detail in told.unread[:UNREAD_SHOWN]:
            yield f"<tr><td>{foreign(file)}<td>{escape(kind)}<td>{foreign(detail)}"
        yield "</table></div>"
        if len(told.unread) > UNREAD_SHOWN:
            yield f"<p>and {len(told.unread) - UNREAD_SHOWN:,} more</p>"
        yield "</details>\n"


def _detector(measured: Measured) -> str:
    missing = "".join(
        f"<p class=warn>{count:,} picture(s) not measured: {foreign(why)}</p>"
        for why, count in measured.not_scored.items()
    )
    note = f"<p>{escape(measured.note)}</p>" if measured.note else ""
    return (
        f"<div class=card><h3>{escape(measured.detector)}</h3><p>{measured.pictures:,} pictures measured</p>"
        f"<p class=faint>revision {escape(measured.revision)}</p>{missing}{note}</div>\n"
    )


def _rules(told: Report) -> Iterator[str]:
    lines = [(measured.detector, line) for measured in told.detectors for line in measured.rules]
    if not lines and not told.passed_over:
        yield "<p>The configuration has no rules.</p>\n"
        return
    yield _head("rule", told)
    for detector, line in lines:
        yield _row(
            f"{escape(line.name)}<br><span class=faint>{escape(detector)}/{escape(line.label)}</span>", line, told
        )
    for line in told.passed_over:
        yield f"<tr><td>{escape(line.name)}<td colspan=5 class=faint>not measured: {escape(line.lacks)}"
    yield "</table></div>\n<p class=faint>By the score alone: places and accounts narrow a rule further.</p>\n"


def _label(name: str, measured: Measured, told: Report) -> Iterator[str]:
    label = next((one for one in measured.labels if one.id == name), None)
    if label is None:
        yield f"<div class=card><h3>{escape(measured.detector)}</h3><p class=faint>has no such label</p></div>\n"
        return
    rules = [line for line in measured.rules if line.label == name]
    yield f"<div class=card><h3>{escape(measured.detector)}</h3>{curve(label, rules)}{_head('preset', told)}"
    for preset, line in label.presets.items():
        yield _row(f"{preset}<br><span class='faint whole'>at most {percent(RATES[preset])}</span>", line, told)
    yield "</table></div><h4>Nearest to an alarm</h4><div class=wide><table>"
    yield "".join(f"<tr><td>{score(value)}<td>{foreign(file)}" for file, value in label.highest)
    yield "</table></div></div>\n"


def _head(first: str, told: Report) -> str:
    return (
        f"<div class=wide><table><tr><th>{first}<th>from<th>flagged<th>false alarms<th>95 % bounds"
        f"<th>true alarms in all, at {told.prevalence:g} in 100,000"
    )


def _row(name: str, line: Line, told: Report) -> str:
    if line.share is None:
        return f"<tr><td>{name}<td colspan=5 class=warn>{escape(line.lacks)}"
    return (
        f"<tr><td>{name}<td>{number(line.at_least)}<td>{flagged(line.share)}<td>{percent(line.share.rate)}"
        f"<td>{between(line.share)}<td>{true_alarms(line.share, told.prevalence)}"
    )


def _groups(told: Report) -> Iterator[str]:
    yield f"<h2>Groups ({foreign(told.by or '')})</h2>\n"
    yield (
        "<p>What is flagged of each group, at the same threshold. A group in colour differs from the others by more "
        "than chance (Fisher's exact test, 5 % over all comparisons of a detector). A difference that is not marked "
        "may still be there: look at how wide the bounds are.</p>\n<div class=side>\n"
    )
    for measured in told.detectors:
        for line in measured.lines:
            if line.share is None:
                continue
            yield (
                f"<div class=card><h3>{escape(measured.detector)}/{escape(line.label)}</h3>"
                f"<p class=faint>{escape(line.name)}, from {number(line.at_least)}</p>{forest(line)}"
                "<div class=wide><table><tr><th>group<th>flagged<th>false alarms<th>95 % bounds<th>by chance"
            )
            for one in line.groups:
                if one.share is None:
                    yield f"<tr><td>{foreign(one.group)}<td colspan=4 class=warn>no picture that could be measured"
                    continue
                mark = " class=warn" if one.differs else ""
                yield (
                    f"<tr><td>{foreign(one.group)}<td>{flagged(one.share)}<td{mark}>{percent(one.share.rate)}"
                    f"<td>{between(one.share)}<td{mark}>{percent(one.by_chance)}"
                )
            yield "</table></div></div>\n"
    yield "</div>\n"


def _reading(told: Report) -> Iterator[str]:
    needed = ", ".join(f"{preset} {pictures_needed(rate):,}" for preset, rate in RATES.items())
    yield (
        "<h2>How to read this</h2>\n"
        "<p>A preset is a wanted rate of false alarms. Its threshold is the lowest one at which the upper bound of the "
        f"rate stays within it. Pictures that this needs, if none of them is flagged: {needed}.</p>\n"
        "<p>The curves show the share of your harmless pictures that would be flagged from a threshold on; the band is "
        "where the true rate lies. Beyond the highest value that was seen only the upper bound is known.</p>\n"
        f"<p>True alarms in all: the share of alarms that would be right, {ASSUMED}. "
        f"{told.prevalence:g} in 100,000 files is what one pilot confirmed on eight servers; yours differs.</p>\n"
    )
