"""Each row of docs/http.md names the tests that hold it, and these are there."""

import re

import pytest

from tests.house.sources import ROOT
from tests.house.test_promises import functions_in

TEXT = (ROOT / "docs" / "http.md").read_text()
ROWS = [
    [cell.strip() for cell in line.strip("|").split(" | ")]
    for line in TEXT.splitlines()
    if line.startswith("| ") and line.endswith(" |")
]
HELD = [row for row in ROWS if row[-1] != "tests"]


def test_each_rfc_has_its_sections() -> None:
    assert len(HELD) > 50
    for number in ("9111", "9110", "5861", "9211", "9213", "9875"):
        assert re.search(rf"^### .*RFC {number}", TEXT, re.MULTILINE)


@pytest.mark.parametrize("row", HELD, ids=lambda row: f"{row[0]}: {row[1]}")
def test_what_a_row_says_is_held_by_tests_that_are_there(row: list[str]) -> None:
    assert len(row) == 4
    named = re.findall(r"`([\w/]+\.py)::(\w+)`", row[-1])
    assert len(named) == row[-1].count("`") // 2 > 0
    assert [name for file, name in named if name not in functions_in(f"http/{file}")] == []
