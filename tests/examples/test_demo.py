"""The demo: its checker finds what is stale, and a small run of all of it."""

import re
from asyncio.subprocess import Process
from pathlib import Path

import httpx
import pytest

from examples.places.caching import cache
from examples.places.demo.__main__ import main
from examples.places.demo.drive import Driver
from examples.places.demo.server import ServerError, serving
from examples.places.demo.traffic import Ask, Traffic, World
from examples.places.demo.watch import Watch

WORLD = World(places=range(1, 100), countries=["FR", "DE"], calm="CH")
READ = Ask("GET", "/places/5")
UPDATE = Ask("PATCH", "/places/5", body={"population": 1})


def place(version: int) -> dict[str, object]:
    return {"id": 5, "country": "FR", "version": version}


def page(version: int, *places: dict[str, object]) -> dict[str, object]:
    return {"places": places, "total": len(places), "version": version}


def judged(ask: Ask, answer: dict[str, object]) -> Watch:
    """A watch that has seen update 3 of place 5, and then this answer."""
    watch = Watch()
    watch.answered(UPDATE, place(3), watch.before())
    watch.answered(ask, answer, watch.before())
    return watch


@pytest.mark.parametrize(
    ("ask", "old", "new"),
    [
        (READ, place(2), place(3)),
        (Ask("GET", "/places"), page(2), page(3)),
        (Ask("GET", "/places", {"country": "FR"}), page(2), page(3)),
        (Ask("GET", "/places", {"country": "FR"}), page(3, place(2)), page(3, place(3))),
    ],
)
def test_an_answer_older_than_an_acknowledged_update_is_stale(
    ask: Ask, old: dict[str, object], new: dict[str, object]
) -> None:
    assert len(judged(ask, old).stale) == 1
    assert judged(ask, new).stale == []


def test_an_answer_to_a_question_asked_before_the_update_may_be_older() -> None:
    watch = Watch()
    before = watch.before()
    watch.answered(UPDATE, place(3), before)
    watch.answered(READ, place(2), before)
    assert (watch.checked, watch.stale) == (1, [])


def test_equal_seeds_make_equal_traffic() -> None:
    first, same, other = (list(Traffic(WORLD, seed).asks(200)) for seed in ("1", "1", "2"))
    assert first == same != other
    assert {ask.method for ask in first} == {"GET", "PATCH", "PUT"}


def test_traffic_is_skewed() -> None:
    paths = [ask.path for ask in Traffic(WORLD, "1").asks(2000)]
    assert paths.count("/places/1") > 5 * paths.count("/places/50")


async def test_a_service_that_forgets_to_invalidate_is_found_out(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def forget_nothing(event: object) -> None:
        pass

    monkeypatch.setattr(cache, "emit", forget_nothing)
    paris = "/places/2988507"
    asks = [Ask("GET", paris), Ask("PATCH", paris, body={"population": 1}), Ask("GET", paris)]
    driver = Driver(client, lambda: None)
    await driver.run([asks])
    assert len(driver.figures.watch.stale) == 1


async def test_a_server_that_does_not_start_says_why(tmp_path: Path) -> None:
    broken = tmp_path / "broken.db"
    broken.write_text("this is no database, " * 100)
    with pytest.raises(ServerError, match="file is not a database"):
        async with serving(broken, cached=True):
            pytest.fail("it serves what is no database")


async def test_a_server_that_dies_is_named(filled: Path) -> None:
    async def outlive_it() -> None:
        async with serving(filled, cached=True) as server, httpx.AsyncClient() as client:
            server.process.kill()
            await server.process.wait()
            await client.get(f"{server.url}/health")

    with pytest.raises(ServerError, match="no answer from the server"):
        await outlive_it()


async def test_a_server_ends_with_the_demo_however_that_ends(filled: Path) -> None:
    processes: list[Process] = []

    async def interrupted() -> None:
        async with serving(filled, cached=True) as server:
            processes.append(server.process)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await interrupted()
    assert processes[0].returncode is not None


def test_a_run_without_requests_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--requests", "3", "--clients", "2"])
    assert "two requests per client" in capsys.readouterr().err


def test_a_small_run_of_all(capsys: pytest.CaptureFixture[str]) -> None:
    main(["--requests", "150", "--clients", "5", "--crowd", "20", "--smallest", "15000"])
    shown = capsys.readouterr().out
    assert re.search(r"20 clients, cold key: loads +│ +20 │ +1 │", shown), shown
    assert re.search(r"stale answers +│ +0 │ +0 │", shown), shown
