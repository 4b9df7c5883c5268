"""The places while their Redis is killed, frozen, flushed and replaced: nobody notices."""

import shutil
import sys
from pathlib import Path

import pytest

from examples.places.demo.server import serving
from examples.places.demo.traffic import Ask, Mix
from examples.places.outage.__main__ import main
from examples.places.outage.charts import charts
from examples.places.outage.client import Client
from examples.places.outage.figures import Timeline
from examples.places.outage.own_redis import OwnRedis, RedisError
from examples.places.outage.phases import PHASES, Phase, nothing
from examples.places.outage.report import advice
from examples.places.outage.run import Options, Run
from examples.places.outage.watch import BOUND, RETURN, Watch
from tests.examples.asking import LYON, PARIS

READ = Ask("GET", "/places/5")
UPDATE = Ask("PATCH", "/places/5", body={"population": 1})
ONE, OTHER = 0, 1

BUSY = Mix(place=68, page=8, settings=8, statistics=0, update=10, save=6, by_country=1, by_name=0)
"""With many updates, so that there are some in each outage."""


def place(version: int) -> dict[str, object]:
    return {"id": 5, "country": "FR", "version": version}


def updated(at: float) -> Watch:
    """A watch that has seen update 3 of place 5, made by one of two processes."""
    watch = Watch()
    assert watch.answered(UPDATE, place(3), ONE, at, at) is None
    return watch


def is_stale(watch: Watch, process: int, asked: float) -> bool:
    """Whether the place without that update is too old an answer, and that with it is not."""
    assert watch.answered(READ, place(3), process, asked, asked) is None
    return watch.answered(READ, place(2), process, asked, asked) is not None


def test_who_made_an_update_shows_it_at_once_and_others_within_the_bound() -> None:
    watch = updated(at=10.0)
    assert is_stale(watch, ONE, 10.0)
    assert not is_stale(watch, ONE, 9.9)
    assert not is_stale(watch, OTHER, 10.0 + BOUND - 0.01)
    assert is_stale(watch, OTHER, 10.0 + BOUND)


def test_of_an_update_during_an_outage_others_may_hear_once_redis_is_back() -> None:
    watch = Watch()
    watch.gone(9.0)
    watch.answered(UPDATE, place(3), ONE, 10.0, 10.0)
    watch.gone(11.0)  # the next thing that happens
    assert is_stale(watch, OTHER, 19.0)
    watch.back(20.0)
    assert is_stale(watch, ONE, 20.0)
    assert not is_stale(watch, OTHER, 20.0 + RETURN - 0.01)
    assert is_stale(watch, OTHER, 20.0 + RETURN)


def test_an_update_before_the_outage_is_owed_all_the_same() -> None:
    watch = updated(at=10.0)
    watch.gone(20.0)
    watch.back(30.0)
    assert is_stale(watch, OTHER, 30.0)


def test_charts_have_room_for_any_number_of_seconds() -> None:
    timeline = Timeline()
    for second in range(500):
        timeline.at(second).latencies = [0.001 * second] * (second % 7)
    timeline.marks.update({0: "first", 200: "second"})
    lines = [line for chart in charts(timeline, 80) for line in chart.plain.splitlines()]
    assert max(map(len, lines)) <= 80
    assert lines[-1].split() == ["1", "2"]


def test_a_machine_that_does_not_keep_up_is_told_a_rate() -> None:
    timeline = Timeline()
    for second in range(4):
        timeline.at(second).latencies = [0.5 * second] * 100
    told = advice(timeline, Options(rate=100, seconds=4))
    assert told is not None
    assert "about 73 requests a second, not 100" in told
    assert "--rate 36'" in told
    timeline.at(3).latencies = [0.9] * 100
    assert advice(timeline, Options(rate=100, seconds=4)) is None


def test_who_falls_behind_later_is_told_since_when() -> None:
    timeline = Timeline()
    timeline.marks = {0: "no cache", 2: "all well", 4: "kill -9"}
    for second in range(6):
        timeline.at(second).latencies += [0.01 if second < 4 else 0.3] * 50 + [0.9]
    told = advice(timeline, Options(rate=100, seconds=2))
    assert told is not None
    assert told.startswith("From 'kill -9' on this machine does not keep up with 100 requests")


async def test_a_redis_that_does_not_start_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("examples.places.outage.own_redis.program", lambda: sys.executable)
    with pytest.raises(RedisError, match=r"did not start: .*--bind"):
        async with OwnRedis(tmp_path):
            pytest.fail("Python is no Redis")


def test_without_a_redis_the_demo_says_how_to_get_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda name, path: None)
    with pytest.raises(SystemExit, match="To get one: make servers, or apt-get install"):
        main(["--rate", "10", "--seconds", "2"])


@pytest.mark.parametrize("options", [["--rate", "0"], ["--seconds", "1"], ["--processes", "0"]])
def test_a_run_of_nothing_is_refused(
    options: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(options)
    assert "give a rate" in capsys.readouterr().err


def folder_with(filled: Path, folder: Path) -> Path:
    shutil.copy(filled, folder / "filled.db")
    return folder


async def test_without_any_redis_all_that_is_asked_for_is_answered(
    filled: Path, tmp_path: Path
) -> None:
    """Every pattern that forgets does so after its commit, and is not undone by that."""
    database = folder_with(filled, tmp_path) / "filled.db"
    changes = (
        Ask("PATCH", f"/places/{PARIS}", body={"name": "Lutetia"}),
        Ask("PUT", "/featured", body={"places": [PARIS, LYON]}),
        Ask("PUT", "/users/7/settings", body={"language": "fr"}),
    )
    paths = (f"/places/{PARIS}", "/places", "/featured", "/users/7/settings", "/countries/FR")
    async with serving(database, cached=True, store="memory:// redis://127.0.0.1:1") as server:
        client = Client(server.url)
        for change in changes:
            changed = await client.ask(change)
            where = Ask("GET", change.path)
            assert await client.ask(where) == await client.ask(where) == changed
        for path in paths:
            await client.ask(Ask("GET", path))
        client.close()


async def test_redis_goes_and_comes_under_load_and_no_client_notices(
    filled: Path, tmp_path: Path, server_installed: str
) -> None:
    """No error, and no answer that is older than it may be."""
    options = Options(rate=60, seconds=2, mix=BUSY, phases=PHASES[1:])
    run = Run(folder_with(filled, tmp_path), options)
    await run.through_outages()
    assert run.timeline.complaints() == []
    assert [chapter.title for chapter in run.timeline.chapters()] == [p.title for p in PHASES[1:]]
    assert all(chapter.all.requests == 120 for chapter in run.timeline.chapters())


@pytest.mark.long
async def test_processes_that_share_nothing_are_found_out(
    filled: Path, tmp_path: Path, server_installed: str
) -> None:
    """What is checked above is checked."""
    options = Options(
        rate=60, seconds=3, mix=BUSY, phases=[Phase("alone", nothing)], store="memory://"
    )
    run = Run(folder_with(filled, tmp_path), options)
    await run.through_outages()
    [chapter] = run.timeline.chapters()
    assert chapter.all.stale
    assert chapter.all.errors == []


@pytest.mark.long
@pytest.mark.timeout(300)
def test_the_whole_demo_at_its_full_rate(
    server_installed: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What it prints has the p99 after the first second of each outage beside that of no cache."""
    drawn = tmp_path / "drawn.svg"
    main(["--svg", str(drawn)])
    with capsys.disabled():
        print("\n" + capsys.readouterr().out)
    assert drawn.read_text().startswith("<svg")
