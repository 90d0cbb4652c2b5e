"""Pictures of the measurements, as SVG that stands in the page. They load nothing."""

from __future__ import annotations

from html import escape
from math import log, log10
from typing import TYPE_CHECKING, Final

from bot.classify.false_alarms import share
from bot.operate.calibrate.words import number, percent
from bot.operate.explain.foreign import visible

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bot.operate.calibrate.shape import Label, Line

WIDTH, HEIGHT = 460, 250
LEFT, RIGHT, TOP, BOTTOM = 58, 14, 14, 34
POINTS: Final = 160  # steps of a curve, at most
TICKS: Final = (1e-3, 0.01, 0.1, 0.5, 0.9, 0.99, 0.999, 0.9999, 0.99999, 0.999999)
"""Where the axis may begin and end; nobody wants a threshold below the first."""
ROW: Final = 22


def curve(label: Label, rules: Sequence[Line]) -> str:
    """How much of the harmless pictures is flagged from which threshold on, with bounds and the thresholds in use."""
    marks = [line for line in (*label.presets.values(), *rules) if line.at_least is not None]
    reach = [*label.values, *(line.at_least for line in marks if line.at_least is not None)]
    x = _Logit(min(reach), max(reach))
    pictures = len(label.values)
    lowest = 10 ** _floor(log10(0.5 / pictures))
    body = "".join((*_grid(x, lowest), *_steps(label.values, x, lowest), *_marks(marks, x)))
    told = "; ".join(f"{line.name} at {number(line.at_least)}" for line in marks if line.at_least is not None)
    return _svg(WIDTH, HEIGHT, f"Share of harmless pictures flagged by {label.id}, by threshold. {told}", body)


def forest(line: Line) -> str:
    """The rate of each group with its bounds, one below the other."""
    shown = [one for one in line.groups if one.share is not None]
    most = max((one.share.high for one in shown if one.share is not None), default=1.0)
    height, begin = ROW * len(shown) + 26, 130
    wide = WIDTH - begin - RIGHT
    parts = []
    for tick in (0.0, most / 2, most):
        at = begin + wide * tick / most
        parts.append(f'<line class=grid x1="{at:.1f}" x2="{at:.1f}" y1="2" y2="{height - 20}"/>')
        anchor = "end" if tick == most else "middle"
        parts.append(f'<text x="{at:.1f}" y="{height - 6}" text-anchor="{anchor}">{percent(tick)}</text>')
    for row, one in enumerate(shown):
        if one.share is None:
            continue
        y = ROW * row + 14
        low, high, at = (begin + wide * value / most for value in (one.share.low, one.share.high, one.share.rate))
        kind = "differs" if one.differs else "data"
        name = visible(one.group if len(one.group) <= 18 else f"{one.group[:17]}…")
        parts.append(f'<text x="{begin - 10}" y="{y + 4}" text-anchor="end">{escape(name)}</text>')
        parts.append(f'<line class="{kind}" x1="{low:.1f}" x2="{high:.1f}" y1="{y}" y2="{y}"/>')
        parts.append(f'<circle class="{kind}" cx="{at:.1f}" cy="{y}" r="4"/>')
    told = f"False alarms of {line.name} ({line.label}) by group"
    return _svg(WIDTH, height, told, "".join(parts))


class _Logit:
    """Values from 0 to 1 along the width, so that those near either end stay apart."""

    def __init__(self, lowest: float, highest: float) -> None:
        fitting = [tick for tick in TICKS if tick <= lowest], [tick for tick in TICKS if tick >= highest]
        self.first = fitting[0][-1] if fitting[0] else TICKS[0]
        self.last = fitting[1][0] if fitting[1] else TICKS[-1]

    def __call__(self, value: float) -> float:
        inside = min(max(value, self.first), self.last)
        begin, end, here = (log(one / (1 - one)) for one in (self.first, self.last, inside))
        span = end - begin or 1.0
        return LEFT + (WIDTH - LEFT - RIGHT) * (here - begin) / span

    @property
    def ticks(self) -> list[float]:
        inside = [tick for tick in TICKS if self.first <= tick <= self.last]
        return inside if len(inside) <= 7 else inside[:: 1 + len(inside) // 7]


def _y(rate: float, lowest: float) -> float:
    return TOP + (HEIGHT - TOP - BOTTOM) * log10(max(rate, lowest)) / log10(lowest)


def _grid(x: _Logit, lowest: float) -> Iterator[str]:
    rate = 1.0
    while rate > lowest * 0.99:
        y = _y(rate, lowest)
        yield f'<line class=grid x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
        yield f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{percent(rate)}</text>'
        rate /= 10
    for tick in x.ticks:
        at = x(tick)
        yield f'<line class=grid x1="{at:.1f}" x2="{at:.1f}" y1="{TOP}" y2="{HEIGHT - BOTTOM}"/>'
        anchor = "end" if tick == x.last else "middle"
        yield f'<text x="{at:.1f}" y="{HEIGHT - BOTTOM + 14}" text-anchor="{anchor}">{number(tick)}</text>'
    yield f'<text x="{(LEFT + WIDTH) / 2}" y="{HEIGHT - 4}" text-anchor="middle">threshold</text>'


def _steps(values: Sequence[float], x: _Logit, lowest: float) -> Iterator[str]:
    """From the highest value downwards: each further picture that a lower threshold would flag."""
    pictures = len(values)
    ranks = sorted({min(pictures, max(1, round(pictures ** (step / POINTS)))) for step in range(POINTS + 1)})
    made = [(x(values[rank - 1]), share(rank, pictures)) for rank in ranks]
    none = share(0, pictures)
    edge = WIDTH - RIGHT
    upper = [(float(edge), none.high), *((at, one.high) for at, one in made)]
    lower = [(float(edge), none.low), *((at, one.low) for at, one in made)]
    band = _stairs(upper, lowest) + " " + " ".join(reversed(_stairs(lower, lowest).split(" ")))
    yield f'<polygon class=band points="{band}"/>'
    rates = [(float(edge), none.rate), *((at, one.rate) for at, one in made)]
    yield f'<polyline class=data points="{_stairs(rates, lowest)}"/>'


def _stairs(points: Sequence[tuple[float, float]], lowest: float) -> str:
    """The share stays what it is until the next picture is reached."""
    corners, before = [], points[0][1]
    for at, rate in points:
        corners.append(f"{at:.1f},{_y(before, lowest):.1f}")
        corners.append(f"{at:.1f},{_y(rate, lowest):.1f}")
        before = rate
    return " ".join(corners)


def _marks(marks: Sequence[Line], x: _Logit) -> Iterator[str]:
    for row, line in enumerate(marks):
        at = x(line.at_least or 0.0)
        left = at > WIDTH * 0.6
        y = TOP + 12 + 13 * row
        yield f'<line class=mark x1="{at:.1f}" x2="{at:.1f}" y1="{TOP}" y2="{HEIGHT - BOTTOM}"/>'
        yield (
            f'<text class=mark x="{at + (-5 if left else 5):.1f}" y="{y}" '
            f'text-anchor="{"end" if left else "start"}">{escape(line.name)}</text>'
        )


def _svg(width: int, height: int, told: str, body: str) -> str:
    return (
        f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="{escape(told)}">'
        f"<title>{escape(told)}</title>{body}</svg>\n"
    )


def _floor(value: float) -> int:
    return int(value // 1)
