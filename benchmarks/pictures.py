"""Which pictures are drawn of a report."""

from collections.abc import Sequence
from pathlib import Path

from rich.progress import track

from benchmarks.charts import FLOOR, OTHERS, OURS, Bar, Bars, Curves, draw
from benchmarks.results import OURS as OUR_NAME
from benchmarks.results import Report, Result, groups


def pictures(name: str, title: str, report: Report, drawn: Sequence[str]) -> list[Bars | Curves]:
    """Its curves, or else bars of what is to be `drawn`, by metric and unit; of all, if none is."""
    if report.curves:
        return [*report.curves]
    named = {f"{group[0].metric}, {group[0].unit}": group for group in groups(report.results)}
    shown = {each: _bars(group) for each, group in named.items() if each in drawn or not drawn}
    with_bars = {each: bars for each, bars in shown.items() if bars}
    return [Bars(name, title, with_bars)] if with_bars else []


def draw_all(made: Sequence[Bars | Curves], folder: Path) -> list[Path]:
    """Draw them into `folder`, which is made if it is not there."""
    folder.mkdir(parents=True, exist_ok=True)
    return [draw(picture, folder) for picture in track(made, description="pictures")]


def _bars(group: Sequence[Result]) -> list[Bar]:
    measured = [(each, each.median) for each in group if each.rounds]
    return [Bar(each.subject, middle or 0.0, _color(each)) for each, middle in measured]


def _color(result: Result) -> str:
    if result.subject.startswith(OUR_NAME):
        return OURS
    return FLOOR if result.floor else OTHERS
