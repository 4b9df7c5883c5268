"""Bars of blocks, one for each second."""

from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise, zip_longest
from math import ceil, log10

from rich.text import Text

from examples.places.outage.figures import Timeline

Scale = Callable[[float], float]

BLOCKS = " ▁▂▃▄▅▆▇█"
LABEL = 16
"""Columns in front of the bars."""


def charts(timeline: Timeline, width: int) -> Iterable[Text]:
    """Lines of `width` columns at most: what each second showed, and where phases begin."""
    seconds = list(timeline.seconds)
    step = ceil(max(1, len(seconds)) / max(1, width - LABEL))

    def drawn(title: str, each: Iterable[float], height: int = 3, scale: Scale = float) -> Text:
        values = _thinned(list(each), step)
        told = [title, f"  up to {max(values, default=0.0):,.0f}"]
        return Text("\n".join(_bars(told, list(map(scale, values)), height)))

    yield drawn("requests/s", (each.requests for each in seconds))
    latencies = (1000.0 * each.percentile(99) for each in seconds)
    yield drawn("p99, ms, log", latencies, scale=lambda each: log10(1.0 + each))
    yield drawn("queries/s", (each.queries for each in seconds))
    yield drawn("stale answers", (len(each.stale) for each in seconds), height=1)
    yield drawn("errors", (len(each.errors) for each in seconds), height=1)
    if timeline.marks:
        yield Text(" " * LABEL + _below(timeline, step), "bold")


def _thinned(values: Sequence[float], step: int) -> list[float]:
    """The highest of each `step`."""
    return [max(values[first : first + step]) for first in range(0, len(values), step)]


def _bars(told: Sequence[str], values: Sequence[float], height: int) -> list[str]:
    """Lines, the top one first; the highest bar is as high as there is room."""
    top = max(values, default=0.0) or 1.0
    eighths = [ceil(value / top * height * 8) for value in values]
    rows = [
        "".join(BLOCKS[min(8, max(0, each - 8 * row))] for each in eighths)
        for row in reversed(range(height))
    ]
    return [
        f"{label:<{LABEL}}{row}" for label, row in zip_longest(told[:height], rows, fillvalue="")
    ]


def _below(timeline: Timeline, step: int) -> str:
    """The number of each phase where it begins."""
    starts = [first // step for first in timeline.marks]
    widths = [end - first for first, end in pairwise([*starts, starts[-1] + 2])]
    return "".join(f"{number:<{width}}" for number, width in enumerate(widths, start=1))
