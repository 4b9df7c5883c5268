"""What a warm hit costs in memory, ours and the peers', in one run: CPU time, and calls."""

import asyncio
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field

from benchmarks.hit_functions import NESTED
from benchmarks.hit_subjects import ASYNC, MUTABLE, SYNC, SYNC_MUTABLE, Maker, makers
from benchmarks.measuring import Effort, Figure, in_rounds
from benchmarks.results import Report, Result
from benchmarks.stranger import KINDS, VERSION, NoStrangerError, Stranger, stranger
from benchmarks.timing import calls_of, time_hits, warm

OF_STRANGER = {
    ASYNC: "text",
    MUTABLE: "nested",
    SYNC: "text_now",
    SYNC_MUTABLE: "nested_now",
}
"""What the other process calls each case."""


@dataclass
class Row:
    """One subject in one case: `time` gives the microseconds of one of so many hits."""

    metric: str
    subject: str
    time: Callable[[int], float]
    calls: Callable[[], int]
    floor: bool = False
    figure: Figure = field(default_factory=Figure)


def run(effort: Effort) -> Report:
    """Measures all."""
    with asyncio.Runner() as runner, ExitStack() as stack:
        made = [_made(runner, maker) for maker in makers()]
        made += _strangers(stack)
        rows = [each for each in made if isinstance(each, Row)]
        in_rounds("warm hits", rows, lambda row: row.time(effort.hits), effort.rounds)
        results = [_timed(each) for each in made]
        results += [_counted(each) for each in made]
    return Report(results)


def _made(runner: asyncio.Runner, maker: Maker) -> Row | Result:
    """Ready to be measured, or why it is not."""
    argument, awaited = maker.argument, maker.awaited
    try:
        call = runner.run(_ready(maker))
    except Exception as error:
        note = f"{type(error).__name__}: {error}"
        return Result("hit", maker.metric, maker.subject, "µs", [], note, maker.floor)

    def time(hits: int) -> float:
        return runner.run(time_hits(call, argument, hits, awaited))

    def calls() -> int:
        return runner.run(calls_of(call, argument, awaited))

    return Row(maker.metric, maker.subject, time, calls, maker.floor)


async def _ready(maker: Maker) -> Callable[[object], object]:
    call = await maker.make()
    value = await warm(call, maker.argument, maker.awaited)
    if value not in ("value 1", NESTED):
        raise ValueError(f"it gave {value!r}")
    return call


def _strangers(stack: ExitStack) -> list[Row | Result]:
    names = {kind: f"another cachekit {VERSION}, {kind}" for kind in KINDS}
    pairs = [(metric, kind) for metric in OF_STRANGER for kind in KINDS]
    try:
        other = stack.enter_context(stranger())
    except NoStrangerError as error:
        return [Result("hit", metric, names[kind], "µs", [], str(error)) for metric, kind in pairs]
    return [_of_stranger(other, metric, kind, names[kind]) for metric, kind in pairs]


def _of_stranger(other: Stranger, metric: str, kind: str, name: str) -> Row:
    function = OF_STRANGER[metric]

    def time(hits: int) -> float:
        return other.microseconds(kind, function, hits)

    def calls() -> int:
        return other.calls(kind, function)

    return Row(metric, name, time, calls)


def _timed(row: Row | Result) -> Result:
    if isinstance(row, Result):
        return row
    return Result("hit", row.metric, row.subject, "µs", row.figure.rounds, floor=row.floor)


def _counted(row: Row | Result) -> Result:
    counts = [] if isinstance(row, Result) else [row.calls()]
    note = row.note if isinstance(row, Result) else ""
    return Result("hit", row.metric, row.subject, "Python calls", counts, note, row.floor)
