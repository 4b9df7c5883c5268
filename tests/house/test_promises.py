"""Each promise of docs/consistency.md says on which store it holds, and which tests hold it."""

import ast
import re
from pathlib import Path

import pytest

from tests.house.sources import ROOT

TEXT = (ROOT / "docs" / "consistency.md").read_text()
MADE, REST = TEXT[TEXT.index("## Forgetting") :].split("## What is not promised")
HELD = REST.split("## The tests that hold it")[1]
PROMISED = re.findall(r"^- \*\*(.+?)\.?\*\*", MADE, re.MULTILINE)
ROWS = [
    row for row in re.findall(r"^\| (.+?) *\|(.+)\|$", MADE, re.MULTILINE) if row[0] != "promise"
]
TESTS = {
    name: re.findall(r"`(\S+)::(\w+)`", tests)
    for name, tests in re.findall(r"^- \*\*(.+?)\*\*\n((?: +- .+\n)+)", HELD, re.MULTILINE)
}


def test_each_promise_is_told_held_and_placed() -> None:
    assert len(PROMISED) > 30
    assert list(TESTS) == PROMISED
    assert [name for name, _ in ROWS] == PROMISED


def test_each_row_has_a_cell_for_each_store() -> None:
    assert len({cells.count("|") for _, cells in ROWS}) == 1


@pytest.mark.parametrize("promise", TESTS)
def test_the_tests_that_hold_it_are_there(promise: str) -> None:
    assert TESTS[promise]
    assert [
        f"{file}::{name}" for file, name in TESTS[promise] if name not in functions_in(file)
    ] == []


def functions_in(file: str) -> set[str]:
    """The functions of one file under tests/."""
    path = ROOT / "tests" / Path(file)
    nodes = ast.walk(ast.parse(path.read_text())) if path.exists() else ()
    return {n.name for n in nodes if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)}
