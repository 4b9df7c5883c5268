"""What a suite asks of another process: one answers for all tests of a session."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

TESTS = """
import json, os, sys
from pathlib import Path
from cachekit.testing.elsewhere import answer_elsewhere, runs_elsewhere

HERE = Path(__file__).parent
PLACE = sum(name.startswith("test_part") for name in sys.modules)

@runs_elsewhere
def test_it(request):
    dies = HERE / "dies"
    if "CACHEKIT_TESTING_ELSEWHERE" in os.environ and PLACE == 3 and dies.exists():
        dies.unlink()
        os._exit(3)
    here = os.getpid(), hash("text"), PLACE
    there = answer_elsewhere(request, json.dumps(here))
    if "CACHEKIT_TESTING_ELSEWHERE" not in os.environ:
        Path(__file__).with_suffix(".json").write_text(json.dumps([here, json.loads(there)]))

def test_that_asks_nobody():
    with (HERE / "runs").open("a") as file:
        file.write("one ")
"""


def answers(folder: Path) -> list[Any]:
    """What the tests of three files have here and elsewhere: process, a hash, place of import."""
    files = [folder / f"test_part{number}.py" for number in (1, 2, 3)]
    for file in files:
        file.write_text(TESTS)
    subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", os.devnull, *files],
        cwd=folder,
        env={**os.environ, "PYTEST_ADDOPTS": "", "PYTHONHASHSEED": "1"},
        check=True,
        stdout=subprocess.DEVNULL,
    )
    assert (folder / "runs").read_text() == "one " * 3
    return [json.loads(file.with_suffix(".json").read_text()) for file in files]


@pytest.mark.long
def test_one_process_answers_for_all_and_who_has_no_answer_is_asked_alone(tmp_path: Path) -> None:
    """The last file comes first there; the first one's test ends the process, so it is the last."""
    (tmp_path / "dies").touch()
    here, there = zip(*answers(tmp_path), strict=True)
    assert len({process for process, _, _ in here}) == 1
    alone, *together = [process for process, _, _ in there]
    assert len({alone, *together}) == 2
    assert alone not in together
    assert not {text for _, text, _ in here} & {text for _, text, _ in there}
    assert [place for _, _, place in here] == [1, 2, 3]
    assert [place for _, _, place in there] == [1, 2, 1]
