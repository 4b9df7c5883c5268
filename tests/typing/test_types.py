"""mypy and pyright see in these files what they should, no error more and none less."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
FILES = sorted(
    str(path) for path in HERE.glob("*.py") if path.stem not in ("__init__", "test_types")
)


@pytest.mark.parametrize(
    "checker",
    [
        pytest.param(["mypy", "--strict", "--warn-unused-ignores", *FILES], id="mypy"),
        pytest.param(["pyright", "--project", str(HERE / "pyrightconfig.json")], id="pyright"),
    ],
)
def test_types(checker: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", *checker],
        cwd=HERE.parents[1],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYRIGHT_PYTHON_IGNORE_WARNINGS": "1"},
    )
    assert done.returncode == 0, done.stdout + done.stderr
