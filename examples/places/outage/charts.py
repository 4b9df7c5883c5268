"""Bars of blocks, one for each second."""

from collections.abc import Iterable, Sequence
from itertools import pairwise
from math import ceil, log10

from rich.text import Text

from examples.places.outage.figures import Figures, Timeline

BLOCKS = " ▁▂▃▄▅▆▇█"
LABEL = 16
"""Columns in front of the bars."""


def charts(timeline: Timeline, width: int) -> Iterable[Text]:
    """Lines of `width` columns at most: what each second showed, and where phases begin."""
    seconds = list(timeline.seconds)
    step = ceil(max(1, len(seconds)) / max(1, width - LABEL))

    def drawn(title: str, values: Iterable[float], height: int = 3, style: str = "") -> Text:
        return Text("\n".join(_bars(title, _thinned(list(values), step), height)), style)

    yield drawn("requests", (each.requests for each in seconds))
    yield drawn("p99 in ms, log", map(_logarithm, seconds))
    yield drawn("queries", (each.queries for each in seconds))
    yield drawn("stale answers", (len(each.stale) for each in seconds), 1, "red")
    yield drawn("errors", (len(each.errors) for each in seconds), 1, "red")
    if timeline.marks:
        yield Text(" " * LABEL + _below(timeline, step), "bold")


def _logarithm(figures: Figures) -> float:
    return log10(1.0 + 1000.0 * figures.percentile(99))


def _thinned(values: Sequence[float], step: int) -> list[float]:
    """The highest of each `step`."""
    return [max(values[first : first + step]) for first in range(0, len(values), step)]


def _bars(title: str, values: Sequence[float], height: int) -> list[str]:
    """Lines, the top one first; the highest bar is as high as there is room."""
    top = max(values, default=0.0) or 1.0
    eighths = [ceil(value / top * height * 8) for value in values]
    rows = [
        "".join(BLOCKS[min(8, max(0, each - 8 * row))] for each in eighths)
        for row in reversed(range(height))
    ]
    labels = [title, *[""] * (height - 1)]
    return [f"{label:<{LABEL}}{row}" for label, row in zip(labels, rows, strict=True)]


def _below(timeline: Timeline, step: int) -> str:
    """The number of each phase where it begins."""
    starts = [first // step for first in timeline.marks]
    widths = [end - first for first, end in pairwise([*starts, starts[-1] + 2])]
    return "".join(f"{number:<{width}}" for number, width in enumerate(widths, start=1))
