"""What is shown: a table of the phases, and the charts."""

from collections.abc import Iterator, Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.progress_bar import ProgressBar
from rich.table import Table

from examples.places.outage.charts import charts
from examples.places.outage.figures import Chapter, Timeline
from examples.places.outage.run import Options, Run

COLUMNS = ("asked", "errors", "stale", "p50", "p99", "after 1 s", "no cache", "queries/s")


BEHIND = 1.0
"""Who is so many seconds late at the end of a phase does not keep up."""

QUEUE = 0.2
"""Where half of all take so many seconds they wait for one another."""


class Report:
    """A run as it is shown, while it runs and at its end."""

    def __init__(self, run: Run) -> None:
        self._run = run

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        timeline = self._run.timeline
        yield Group(table(timeline), *charts(timeline, options.max_width))
        if self._run.doing:
            yield self._progress()

    def _progress(self) -> RenderableType:
        line = Table.grid(padding=(0, 1))
        done, total = len(self._run.timeline.seconds), self._run.options.duration
        line.add_row(ProgressBar(total, done, width=30), f"{done} of {total} s", self._run.doing)
        return line


def advice(timeline: Timeline, options: Options) -> str | None:
    """What to say if the services do not keep up on this machine, with a cache or without one."""
    alone = timeline.seconds[: options.seconds]
    behind = alone[-1].percentile(99)
    if behind >= BEHIND:
        answered = options.rate * options.seconds / (options.seconds + behind)
        return (
            f"Without a cache this machine answers about {answered:.0f} requests a second, not "
            f"{options.rate}: latencies are of queues. ARGS='--rate {answered / 2:.0f}' has none."
        )
    late = next((each for each in timeline.chapters() if each.later.percentile(50) >= QUEUE), None)
    return late and (
        f"From {late.title!r} on this machine does not keep up with {options.rate} requests a "
        f"second: latencies are of queues. ARGS='--rate {options.rate / 2:.0f}' may have none."
    )


def table(timeline: Timeline) -> Table:
    """The phases until now; `after 1 s`, and `no cache`, which is that of the first phase: the p99
    without the first second."""
    title = "Redis goes and comes; latencies in ms"
    shown = Table(title=title, title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    shown.show_edge = False
    shown.add_column("", no_wrap=True)
    for heading in COLUMNS:
        shown.add_column(heading, justify="right")
    for cells, is_bad in _rows(list(timeline.chapters())):
        shown.add_row(*cells, style="red" if is_bad else None)
    return shown


def _rows(chapters: Sequence[Chapter]) -> Iterator[tuple[list[str], bool]]:
    """The cells of each row, and whether there is something in it that may not be."""
    alone = chapters[0].later.percentile(99) if chapters else 0.0
    for number, chapter in enumerate(chapters, start=1):
        figures, later = chapter.all, chapter.later
        counts = (figures.requests, len(figures.errors), len(figures.stale))
        latencies = (figures.percentile(50), figures.percentile(99), later.percentile(99), alone)
        cells = [
            f"{number} {chapter.title}",
            *(f"{count:,}" for count in counts),
            *(f"{1000 * latency:,.1f}" for latency in latencies),
            f"{figures.queries_per_second:,.0f}",
        ]
        yield cells, any(counts[1:])
