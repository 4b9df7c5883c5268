"""The benchmark of hits, and the profile of one: all are measured, whoever is missing."""

import re
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import hit, hit_subjects, stranger
from benchmarks.__main__ import main
from benchmarks.hit_subjects import ASYNC, BY_KEY, OR_SET, SYNC, TABLE
from benchmarks.measuring import Effort
from benchmarks.profile import MAKERS
from benchmarks.results import Result
from benchmarks.stranger import NoStrangerError

LITTLE = Effort(rounds=1, hits=2)

THEIRS = """
class _Cache:
    def __call__(self, backend, ttl):
        return lambda function: function

    def local(self, ttl):
        return lambda function: function

cache = _Cache()
"""


def by_metric(unit: str) -> dict[str, dict[str, Result]]:
    found: dict[str, dict[str, Result]] = {}
    for result in hit.run(LITTLE).results:
        if result.unit == unit:
            found.setdefault(result.metric, {})[result.subject] = result
    return found


def test_all_are_timed() -> None:
    told = by_metric("µs")
    peers = "async_lru", "cachebox", "aiocache", "cashews", "fastapi-cache2"
    for metric, names in {
        ASYNC: ("functools.lru_cache", "cachekit", *peers),
        SYNC: ("functools.lru_cache", "cachekit", "cachetools", "dogpile.cache"),
        BY_KEY: ("cachetools.LRUCache", "cachekit", "aiocache", "cashews"),
        OR_SET: ("cachetools.LRUCache", "cachekit", "cashews"),
        TABLE: ("cachetools.LRUCache", "cachekit", "cachebox.TTLCache"),
    }.items():
        for name in names:
            assert told[metric][name].rounds, (metric, name, told[metric][name].note)
    assert [name for name, each in told[ASYNC].items() if each.floor] == ["functools.lru_cache"]


def test_calls_are_counted() -> None:
    told = by_metric("Python calls")
    assert told[ASYNC]["functools.lru_cache"].rounds == [0]
    assert told[ASYNC]["cachekit"].rounds == [5]
    assert told[BY_KEY]["cachekit"].rounds == [5]
    assert told[OR_SET]["cachekit"].rounds == [8]  # one of them is the benchmark's


def test_a_peer_that_is_not_there_has_a_row_that_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("async_lru", "cachebox"):
        monkeypatch.setitem(sys.modules, name, None)
    told = by_metric("µs")
    for metric, name in ((ASYNC, "async_lru"), (ASYNC, "cachebox"), (TABLE, "cachebox.TTLCache")):
        assert not told[metric][name].rounds
        assert told[metric][name].note.startswith("ModuleNotFoundError: ")
    assert told[ASYNC]["cachekit"].rounds


def test_who_gives_back_something_else_has_no_figure(monkeypatch: pytest.MonkeyPatch) -> None:
    async def lie(number: int) -> str:
        return "no"

    monkeypatch.setitem(hit_subjects.ASYNC_PEERS, "async_lru", lambda function: lie)
    assert by_metric("µs")[ASYNC]["async_lru"].note == "ValueError: it gave 'no'"


def test_without_the_other_cachekit_its_rows_say_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stranger, "HOME", tmp_path)
    rows = [each for name, each in by_metric("µs")[SYNC].items() if name.startswith("another")]
    assert [row.note for row in rows] == ["it has no environment: `make bench` makes one"] * 2


def test_the_other_cachekit_is_asked_in_its_own_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    python = tmp_path / "bin" / "python"
    theirs = tmp_path / "lib"
    for folder in (python.parent, theirs):
        folder.mkdir()
    (theirs / "cachekit.py").write_text(THEIRS)
    started = f"import sys; sys.path.insert(0, {str(theirs)!r}); sys.argv = sys.argv[1:]"
    run = f"{started}; import runpy; runpy.run_path(sys.argv[0], run_name='__main__')"
    lines = "#!/bin/sh", "shift", f'exec {sys.executable} -I -c "{run}" "$@"'
    python.write_text("\n".join(lines))
    python.chmod(python.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setattr(stranger, "HOME", tmp_path)
    with stranger.stranger() as other:
        assert other.microseconds("cache", "text", 10) > 0
        assert other.calls("cache.local", "text_now") == 1
        process = other._process
        with pytest.raises(NoStrangerError, match="ended"):
            other.calls("cache", "nothing")
    assert process.poll() is not None


def profiled(*names: str) -> str:
    """What is printed; in a process of its own, since functions that are watched stay changed."""
    program = f"import benchmarks.profile as p\np.STEPS = 1\nfor name in {names}: p.main([name])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_profile_has_the_lines_of_all_that_a_hit_calls() -> None:
    told = profiled(*MAKERS)
    for name in (
        "_hitting.<locals>.hit, reader.py",
        "TinyLFU.peek, tinylfu.py",
        "Entry.serves, entry.py",
    ):
        assert told.count(name) == len(MAKERS)
    assert re.search(r"Cache\.get, cache\.py:\d+: 100%", told)
    assert re.search(r"│ +\d+ │ +\d+\.\d% │ +return entry\.kept if thaw", told)


def test_a_profile_of_something_else_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["profile", "nothing"])
    assert "get_or_set" in capsys.readouterr().err
