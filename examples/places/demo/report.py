"""The table at the end."""

from collections.abc import Callable
from dataclasses import dataclass

from rich.table import Table

from cachekit.registry import masked
from examples.places.demo.drive import Figures


@dataclass(frozen=True)
class Line:
    """One line of the table: what of the figures it shows, and how."""

    title: str
    value: Callable[[Figures], float]
    form: str = "{:,.0f}"
    compared: bool = True


def table(without: Figures, cached: Figures, *, crowd: int, store: str | None) -> Table:
    """Both passes side by side; `store`: the URLs of the cache, or `None` for its default."""
    title = "The same traffic, without the cache and with it"
    if store is not None:
        title += f" in {' in front of '.join(map(masked, store.split()))}"
    shown = Table(title=title, title_justify="left")
    shown.add_column("")
    for heading in ("without cache", "with cache", "ratio"):
        shown.add_column(heading, justify="right")
    for line in _lines(crowd):
        values = line.value(without), line.value(cached)
        ratio = _ratio(*values) if line.compared else ""
        shown.add_row(line.title, *map(line.form.format, values), ratio)
    return shown


def _lines(crowd: int) -> list[Line]:
    return [
        Line("requests/s", lambda figures: figures.rate),
        Line("p50 latency, ms", lambda figures: figures.percentile(50) * 1000, "{:,.1f}"),
        Line("p99 latency, ms", lambda figures: figures.percentile(99) * 1000, "{:,.1f}"),
        Line("database queries", lambda figures: figures.queries),
        Line("hit ratio", lambda figures: figures.hit_ratio, "{:.1%}", compared=False),
        Line(f"{crowd} clients, cold key: loads", lambda figures: figures.stampede_loads),
        Line("... until all have it, ms", lambda figures: figures.stampede_duration * 1000),
        Line("answers checked", lambda figures: figures.watch.checked, compared=False),
        Line("stale answers", lambda figures: len(figures.watch.stale), compared=False),
    ]


def _ratio(without: float, cached: float) -> str:
    """`5.0x` if there is five times as much with the cache, `1/5.0` if there is a fifth."""
    if not without or not cached:
        return ""
    return f"{cached / without:,.1f}x" if cached >= without else f"1/{without / cached:,.1f}"
