"""How many of the requests hit, by policy and size of the cache, beside the best there can be."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from statistics import mean
from typing import Final

from rich.progress import track
from rich.table import Table

from benchmarks.charts import Curves
from benchmarks.hitratio_caches import SUBJECTS, Subject
from benchmarks.hitratio_traces import ENDING, VARIABLE, Trace, recorded, traces
from benchmarks.measuring import Effort, table
from benchmarks.results import OURS, Report, Result

BENCHMARK: Final = "hitratio"
ROUNDS: Final = 5
"""With so many rounds or more, traces have their full length: a second would find the same."""

LITTLE: Final = 0.15
"""With fewer, requests, keys and entries are this part of what they are, at two sizes."""

MISSING: Final = Result(
    BENCHMARK,
    "recorded traces",
    OURS,
    "%",
    [],
    f"none found: put *{ENDING} into ../shared/traces beside the repository, or name a folder of "
    f"them in {VARIABLE}",
)


@dataclass
class Played:
    """One subject on one trace: its hits in percent by size, or the reason that there are none."""

    trace: Trace
    subject: Subject
    ratios: dict[int, float]
    note: str = ""


def run(effort: Effort) -> Report:
    """Plays all traces."""
    made = traces() if effort.rounds >= ROUNDS else [_larger(each) for each in traces(LITTLE)]
    return report(play_all(made, SUBJECTS), [] if recorded() else [MISSING])


def play_all(made: Sequence[Trace], subjects: Sequence[Subject]) -> list[Played]:
    """Every subject on every trace."""
    pairs = [(trace, subject) for trace in made for subject in subjects]
    return [play(*pair) for pair in track(pairs, description="hit ratios")]


def play(trace: Trace, subject: Subject) -> Played:
    """At each size, beginning with an empty cache."""
    asked = len(trace.requests)
    try:
        ratios = {
            size: 100 * subject.play(trace.requests, size) / asked
            for size in dict.fromkeys(trace.sizes)
        }
    except ImportError:
        return Played(trace, subject, {}, f"pip install {subject.package}")
    return Played(trace, subject, ratios, subject.note)


def report(played: Sequence[Played], missing: Sequence[Result] = ()) -> Report:
    """The results, with a table and a picture of each trace, and a table of them all."""
    by_trace: dict[str, list[Played]] = {}
    for each in played:
        by_trace.setdefault(each.trace.name, []).append(each)
    results = [*(result for each in played for result in _results(each)), *missing]
    tables = [_table(group) for group in by_trace.values()]
    pictures = [_picture(group) for group in by_trace.values()]
    return Report(results, [*tables, _summary(played, missing)], pictures)


def _larger(trace: Trace) -> Trace:
    """With the two largest sizes only."""
    return replace(trace, sizes=trace.sizes[-2:])


def _results(played: Played) -> Iterator[Result]:
    subject = played.subject
    for size in dict.fromkeys(played.trace.sizes):
        metric = f"{played.trace.name}, {size:,} entries"
        figures = [played.ratios[size]] if size in played.ratios else []
        yield Result(
            BENCHMARK, metric, subject.name, "%", figures, played.note, floor=subject.floor
        )


def _table(group: Sequence[Played]) -> Table:
    trace = group[0].trace
    sizes = list(dict.fromkeys(trace.sizes))
    title = f"{trace.name}: hits, % of {len(trace.requests):,} requests, by entries"
    made = table(title, ["subject"], [f"{size:,}" for size in sizes])
    for each in group:
        made.add_row(each.subject.name, *[_figure(each.ratios.get(size)) for size in sizes])
    return made


def _summary(played: Sequence[Played], missing: Sequence[Result]) -> Table:
    """Beside LRU, in points."""
    floor = {each.trace.name: each.ratios for each in played if each.subject.floor}
    made = table(
        "over all traces and sizes", ["subject"], ["mean, %", "to LRU, points", "the least of them"]
    )
    for name in dict.fromkeys(each.subject.name for each in played):
        own = [each for each in played if each.subject.name == name]
        ratios = [ratio for each in own for ratio in each.ratios.values()]
        points = [
            ratio - floor[each.trace.name][size]
            for each in own
            for size, ratio in each.ratios.items()
            if each.trace.name in floor
        ]
        cells = (mean(ratios), mean(points), min(points)) if ratios and points else ()
        made.add_row(name, *[_figure(cell) for cell in cells] or ["none"])
    notes = {each.subject.name: each.note for each in played if each.note}
    told = [f"{name}: {note}" for name, note in notes.items()]
    made.caption = "\n".join([*told, *(result.note for result in missing)]) or None
    return made


def _picture(group: Sequence[Played]) -> Curves:
    trace = group[0].trace
    letters = (letter if letter.isalnum() else "-" for letter in trace.name.lower())
    lines = {
        each.subject.name: sorted(each.ratios.items())
        for each in group
        if each.subject.drawn and each.ratios
    }
    return Curves(f"{BENCHMARK}-{''.join(letters)}", f"Hits on {trace.name}", "entries", "%", lines)


def _figure(ratio: float | None) -> str:
    return "" if ratio is None else f"{ratio:.1f}"
