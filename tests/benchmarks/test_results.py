"""How results compare, what is written of them, and what is drawn."""

import json
import platform
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from benchmarks import charts, pictures
from benchmarks.__main__ import main
from benchmarks.charts import Bar, Bars, Curves
from benchmarks.machine import cpu, machine
from benchmarks.results import Report, Result, as_rows, as_tables, groups, number, ratio, write


def result(subject: str, *rounds: float, metric: str = "get", **more: Any) -> Result:
    return Result("redis", metric, subject, "µs", rounds, **more)


FLOOR = result("plain", 2.0, 4.0, 3.0, floor=True)
OURS = result("cachekit", 1.0, 2.0, 3.0)
MISSING = result("peer", note="it is not installed: pip install peer")


def test_they_are_compared_round_by_round() -> None:
    assert ratio(OURS, FLOOR) == 0.5
    assert ratio(FLOOR, OURS) == 2.0
    assert ratio(OURS, MISSING) is None
    assert ratio(OURS, result("none", 0.0, 0.0, 0.0)) is None


def test_other_numbers_of_rounds_are_compared_by_their_medians() -> None:
    assert ratio(OURS, result("once", 4.0)) == 0.5


def test_the_spread_is_half_of_the_rounds() -> None:
    assert result("a", 1.0, 2.0, 3.0, 10.0, 2.5).spread == 0.5
    assert MISSING.spread is MISSING.median is None


def test_only_those_of_one_metric_and_unit_are_compared() -> None:
    other = result("plain", 5.0, metric="set")
    assert groups([FLOOR, other, OURS]) == [[FLOOR, OURS], [other]]


def test_what_is_written_has_the_ratio_to_each_other(tmp_path: Path) -> None:
    path = tmp_path / "told.json"
    write(path, {"cpu": "fast"}, [FLOOR, OURS, MISSING])
    told = json.loads(path.read_text(encoding="utf-8"))
    assert told["cpu"] == "fast"
    assert told["results"] == as_rows([FLOOR, OURS, MISSING])
    assert told["results"][1] == {
        "benchmark": "redis",
        "subject": "cachekit",
        "metric": "get",
        "unit": "µs",
        "median": 2.0,
        "spread": 1.0,
        "ratio_to": {"plain": 0.5},
        "rounds": [1.0, 2.0, 3.0],
    }
    assert told["results"][2]["note"] == MISSING.note
    assert told["results"][2]["ratio_to"] == {}


def test_who_is_missing_has_a_row_and_a_reason() -> None:
    (table,) = as_tables([FLOOR, OURS, MISSING])
    console = Console(width=110)
    with console.capture() as captured:
        console.print(table)
    rows = [line.strip("│ ").split("│") for line in captured.get().splitlines() if "│" in line]
    assert [[cell.strip() for cell in row] for row in rows] == [
        ["plain", "3.00", "1.00", "1.00", "2.00"],
        ["cachekit", "2.00", "1.00", "0.50", "1.00"],
        ["peer", "none"],
    ]
    assert MISSING.note in captured.get()


@pytest.mark.parametrize(
    ("figure", "text"),
    [(None, ""), (0, "0.00"), (0.0123, "0.0123"), (0.5, "0.50"), (12.34, "12.3"), (4321, "4,321")],
)
def test_numbers_have_three_digits(figure: float | None, text: str) -> None:
    assert number(figure) == text


def test_what_it_ran_on_is_told() -> None:
    told = machine()
    assert told["versions"]["python"] == platform.python_version()
    assert {"cachekit-framework", "cachetools", "async-lru"} <= told["versions"].keys()
    assert cpu()


def test_bars_are_drawn_of_what_was_measured(tmp_path: Path) -> None:
    report = Report([FLOOR, OURS, MISSING, result("plain", 1.0, metric="set")])
    made = pictures.pictures("redis", "On Redis", report, ["get, µs"])
    assert made == [
        Bars(
            "redis",
            "On Redis",
            {
                "get, µs": [
                    Bar("plain", 3.0, charts.FLOOR),
                    Bar("cachekit", 2.0, charts.OURS),
                ]
            },
        )
    ]
    (path,) = pictures.draw_all(made, tmp_path / "new")
    assert path.read_bytes().startswith(b"\x89PNG")


def test_curves_are_drawn_as_they_are(tmp_path: Path) -> None:
    curves = Curves("hits", "Hits", "size", "%", {"cachekit": [(1, 2.0), (10, 3.0)]})
    report = Report([OURS], curves=[curves])
    assert pictures.pictures("hitratio", "", report, []) == [curves]
    assert charts.draw(curves, tmp_path).name == "hits.png"


def test_a_run_leaves_what_it_was_told_to(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told, folder = tmp_path / "told.json", tmp_path / "pictures"
    main(["misses", "--rounds", "1", "--hits", "2", "--json", str(told), "--plot", str(folder)])
    assert str(folder / "misses.png") in capsys.readouterr().out
    rows = json.loads(told.read_text(encoding="utf-8"))["results"]
    assert {row["benchmark"] for row in rows} == {"misses"}
    assert "cashews" in {row["subject"] for row in rows}
