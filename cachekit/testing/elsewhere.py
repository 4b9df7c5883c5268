"""What tests find in a fresh interpreter, where hashes of text are others than here.

One such process works out the answers of all tests of a session that will want one.
"""

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, TypeVar

import pytest

_FOLDER: Final = "CACHEKIT_TESTING_ELSEWHERE"
"""In the environment of a process that is asked: the folder for its answers."""

_MARK: Final = "_runs_elsewhere"
_ANSWERS: Final = pytest.StashKey[dict[str, str]]()
_SECONDS: Final = 60.0

Test = TypeVar("Test", bound=Callable[..., Any])


def runs_elsewhere(test: Test) -> Test:
    """For a test that asks for `answer_elsewhere`: it may be run there before it is run here."""
    setattr(test, _MARK, True)
    return test


def answer_elsewhere(request: pytest.FixtureRequest, here: str) -> str:
    """What is `here`, as the test of `request` works it out in another process.

    There, too, the test and its fixtures run; what it has `here` is its answer.
    """
    name = _name(request.node)
    if _FOLDER in os.environ:
        Path(os.environ[_FOLDER], name).write_text(here, "utf-8")
        return here
    session = request.session
    if _ANSWERS not in session.stash:
        session.stash[_ANSWERS] = _answers_in_advance(session)
    answers = session.stash[_ANSWERS]
    if name not in answers:
        said = _ask(session, [request.node], answers)
        assert name in answers, f"this test could not be run in another process: {said}"
    return answers[name]


def _name(test: pytest.Item) -> str:
    return sha256(test.nodeid.encode()).hexdigest()


def _answers_in_advance(session: pytest.Session) -> dict[str, str]:
    """Those of all tests, last ones first: what hangs on the order of imports will show."""
    answers: dict[str, str] = {}
    tests = [test for test in session.items if _is_marked(test)]
    if len(tests) > 1:
        with suppress(subprocess.TimeoutExpired):  # what has no answer then is asked alone
            _ask(session, tests[::-1], answers)
    return answers


def _is_marked(test: pytest.Item) -> bool:
    return hasattr(getattr(test, "function", None), _MARK)


def _ask(session: pytest.Session, tests: Sequence[pytest.Item], answers: dict[str, str]) -> str:
    """Add the answers of `tests` to `answers`; returns what pytest said."""
    with TemporaryDirectory() as made:
        folder, names = Path(made, "answers"), Path(made, "tests")
        folder.mkdir()
        names.write_text("\n".join(test.nodeid for test in tests), "utf-8")
        try:
            return _run(session.config, names, folder)
        finally:
            answers.update((file.name, file.read_text("utf-8")) for file in folder.iterdir())


def _run(config: pytest.Config, names: Path, folder: Path) -> str:
    command = [sys.executable, "-m", "pytest", "-q", "-o", "addopts=", "-p", "no:cacheprovider"]
    where = ["--rootdir", str(config.rootpath), "-c", str(config.inipath or os.devnull)]
    seed = "1" if os.environ.get("PYTHONHASHSEED") != "1" else "2"
    done = subprocess.run(
        [*command, *where, "--continue-on-collection-errors", f"@{names}"],
        cwd=config.rootpath,
        env={**os.environ, "PYTEST_ADDOPTS": "", "PYTHONHASHSEED": seed, _FOLDER: str(folder)},
        capture_output=True,
        text=True,
        timeout=_SECONDS,
    )
    return done.stdout
