"""Fills the tables of docs/benchmarks.md and README.md with what a run has left in
docs/benchmarks/results.json: `make figures` measures all anew first.

In a page stands `<!-- one: BENCHMARK | METRIC | UNIT -->` where a table of that metric is to be;
`<!-- wide: BENCHMARK | METRIC, | UNIT -->` where all metrics that begin so are, as columns of one,
or with a fourth part those of them that end so;
`<!-- every: BENCHMARK | UNIT -->` where all metrics of a unit are, in rows; `<!-- machine -->` for
what it ran on. Each ends at the next `<!-- end -->`.
"""

import json
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Final

from benchmarks.results import number

ROOT: Final = Path(__file__).parents[1]
PAGES: Final = (ROOT / "docs" / "benchmarks.md", ROOT / "README.md")
RESULTS: Final = ROOT / "docs" / "benchmarks" / "results.json"

Row = dict[str, Any]

_PART: Final = re.compile(r"(<!-- (\w+)(?:: (.*?))? -->\n).*?(<!-- end -->)", re.DOTALL)


class NoResultError(LookupError):
    """A page asks for what the run did not measure."""


def filled(text: str, told: Row) -> str:
    """The text of a page, with its tables made anew."""

    def part(found: re.Match[str]) -> str:
        head, kind, asked, end = found.groups()
        lines = _KINDS[kind](told, *(each.strip() for each in (asked or "").split("|") if each))
        return "\n".join([head.rstrip(), "", *lines, "", end])

    return _PART.sub(part, text)


def machine(told: Row) -> list[str]:
    """What it ran on."""
    versions = ", ".join(f"{name} {version}" for name, version in told["versions"].items())
    return [
        f"- Date: {told['date']}",
        f"- Command: `{told['command']}`",
        f"- Processor: {told['cpu']}, {told['cores']} cores; {told['system']}",
        f"- Versions: {versions}",
    ]


def one(told: Row, benchmark: str, metric: str, unit: str) -> list[str]:
    """All subjects of one metric, beside the first and beside ours."""
    rows = _rows(told, benchmark, lambda row: row["metric"] == metric and row["unit"] == unit)
    first = rows[0]["subject"]
    heads = ["", unit, "±", f"to {first}", "to cachekit"]
    return _table(heads, [_one(row, (first, "cachekit")) for row in rows])


def wide(told: Row, benchmark: str, prefix: str, unit: str, ending: str = "") -> list[str]:
    """All metrics that begin with `prefix`: what follows it is the head of a column."""

    def wanted(row: Row) -> bool:
        metric: str = row["metric"]
        fits = metric.startswith(prefix) and metric.endswith(ending)
        return fits and row["unit"] == unit

    rows = _rows(told, benchmark, wanted)
    columns = dict.fromkeys(row["metric"].removeprefix(prefix).strip() for row in rows)
    subjects = dict.fromkeys(row["subject"] for row in rows)
    found = {(row["subject"], row["metric"].removeprefix(prefix).strip()): row for row in rows}
    cells = [
        [name, *(_median(found.get((name, column))) for column in columns)] for name in subjects
    ]
    return _table([unit, *columns], cells)


def every(told: Row, benchmark: str, unit: str) -> list[str]:
    """All metrics of a unit, each with its subjects."""
    rows = _rows(told, benchmark, lambda row: row["unit"] == unit)
    return _table(["", "", unit], [[row["metric"], row["subject"], _median(row)] for row in rows])


_KINDS: Final[dict[str, Callable[..., list[str]]]] = {
    "machine": machine,
    "one": one,
    "wide": wide,
    "every": every,
}


def _rows(told: Row, benchmark: str, wanted: Callable[[Row], bool]) -> list[Row]:
    rows = [row for row in told["results"] if row["benchmark"] == benchmark and wanted(row)]
    if not rows:
        raise NoResultError(f"the run has no such result of {benchmark}")
    return rows


def _one(row: Row, beside: Iterable[str]) -> list[str]:
    name, ratio_to = row["subject"], row["ratio_to"]
    told = [1.0 if name == other else ratio_to.get(other) for other in beside]
    return [name, _median(row), number(row["spread"]), *map(number, told)]


def _median(row: Row | None) -> str:
    if row is None:
        return ""
    return "none" if row["median"] is None else number(row["median"])


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    cells = [list(heads), *map(list, rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(heads))]
    lines = [_line(row, widths) for row in cells]
    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    return [lines[0], f"| {' | '.join(rule)} |", *lines[1:]]


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    first, *others = zip(row, widths, strict=True)
    texts = [first[0].ljust(first[1]), *(text.rjust(width) for text, width in others)]
    return f"| {' | '.join(texts)} |"


def main() -> int:
    """Writes the pages; with `--check` says by its status whether they are what it would write."""
    told = json.loads(RESULTS.read_text(encoding="utf-8"))
    texts = {page: page.read_text(encoding="utf-8") for page in PAGES}
    made = {page: filled(text, told) for page, text in texts.items()}
    if "--check" in sys.argv:
        return made != texts
    for page, text in made.items():
        page.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
