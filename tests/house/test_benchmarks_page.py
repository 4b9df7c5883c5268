"""Every figure that a page tells is one of the run that is kept beside it."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks.__main__ import BENCHMARKS

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docs" / "benchmarks"


@pytest.fixture(scope="module")
def told() -> Any:
    return json.loads((FOLDER / "results.json").read_text(encoding="utf-8"))


def test_the_tables_are_those_of_the_run() -> None:
    command = [sys.executable, str(ROOT / "docs" / "make_benchmarks.py"), "--check"]
    current = subprocess.run(command, check=False).returncode == 0
    assert current, "a page has other figures than results.json: `python docs/make_benchmarks.py`"


def test_the_run_was_of_all(told: Any) -> None:
    assert {row["benchmark"] for row in told["results"]} == {*BENCHMARKS}
    assert told["versions"].keys() >= {"python", "cachekit-framework", "async-lru", "redis"}


@pytest.mark.parametrize("name", BENCHMARKS)
def test_what_is_drawn_was_measured_and_its_picture_is_shown(name: str, told: Any) -> None:
    rows = [row for row in told["results"] if row["benchmark"] == name]
    measured = {f"{row['metric']}, {row['unit']}" for row in rows}
    assert {*BENCHMARKS[name].drawn} <= measured
    pictures = [path.name for path in FOLDER.glob(f"{name}*.png")]
    assert pictures
    page = (ROOT / "docs" / "benchmarks.md").read_text(encoding="utf-8")
    assert any(f"(benchmarks/{picture})" in page for picture in pictures)
