"""What is stale is served only where that is allowed."""

import asyncio

import pytest

from tests.http.helpers import Reply, Sites, fresh, reply, rest, until

WHILE = "max-age=10, stale-while-revalidate=20"
IF_ERROR = "max-age=10, stale-if-error=20"
ERRORS = [500, 502, 503, 504]


def old(said: str, **fields: str) -> Reply:
    return reply(200, "old", cache_control=said, **fields)


async def test_within_the_window_the_old_one_is_served_and_refreshed_once(site: Sites) -> None:
    new = fresh("new")
    new.gate = asyncio.Event()
    at = site(old(WHILE), new)
    await at.ask()
    at.clock.advance(15)
    got = await at.asks(10)
    assert {(each.body, each.cache) for each in got} == {(b"old", "hit; ttl=-5")}
    await rest()
    new.gate.set()
    await rest()
    assert (await at.ask()).body == b"new"
    assert at.origin.calls == 2


async def test_past_the_window_nobody_gets_the_old_one(site: Sites) -> None:
    at = site(old(WHILE), fresh("new"))
    await at.ask()
    at.clock.advance(30)
    assert (await at.ask()).body == b"new"


@pytest.mark.parametrize("said", ["private", "no-store"])
async def test_a_refresh_that_finds_it_private_leaves_nothing(site: Sites, said: str) -> None:
    at = site(old(WHILE), reply(200, "mine", cache_control=said), reply(200, "other"))
    await at.ask()
    at.clock.advance(15)
    await at.ask()
    await until(lambda: at.origin.calls == 2)
    await rest()
    assert (await at.ask()).body == b"other"


@pytest.mark.parametrize("status", ERRORS)
async def test_the_old_one_stands_for_an_error(site: Sites, status: int) -> None:
    at = site(old(IF_ERROR), reply(status, "broken"))
    await at.ask()
    at.clock.advance(29)
    got = await at.ask()
    assert (got.status, got.body, got["age"]) == (200, b"old", "29")


async def test_the_old_one_stands_for_an_exception(site: Sites) -> None:
    at = site(old(IF_ERROR), Reply(error=ValueError("broken")))
    await at.ask()
    at.clock.advance(15)
    assert (await at.ask()).body == b"old"


@pytest.mark.parametrize("status", [400, 404, 501])
async def test_it_stands_for_no_other_answer(site: Sites, status: int) -> None:
    at = site(old(IF_ERROR), reply(status, "new"))
    await at.ask()
    at.clock.advance(15)
    assert (await at.ask()).status == status


@pytest.mark.parametrize("status", ERRORS)
async def test_past_that_window_the_error_is_the_answer(site: Sites, status: int) -> None:
    at = site(old(IF_ERROR), reply(status, "broken"))
    await at.ask()
    at.clock.advance(30)
    got = await at.ask()
    assert (got.status, got.body) == (status, b"broken")


async def test_a_client_may_take_an_older_one(site: Sites) -> None:
    at = site(old("max-age=10", etag='"1"'), reply(503))
    await at.ask()
    at.clock.advance(30)
    assert (await at.ask()).status == 503
    at.clock.advance(2)
    assert (await at.ask(cache_control="stale-if-error=60")).body == b"old"


FORBIDDING = ["must-revalidate", "proxy-revalidate", "s-maxage=10", "no-cache"]


@pytest.mark.parametrize("said", FORBIDDING)
@pytest.mark.parametrize("broken", [reply(500, "broken"), Reply(error=ValueError("broken"))])
async def test_some_forbid_all_that_is_stale(site: Sites, said: str, broken: Reply) -> None:
    at = site(old(f"{WHILE}, stale-if-error=99, {said}", etag='"1"'), broken)
    await at.ask()
    at.clock.advance(15)
    for asks in ("max-stale", "stale-if-error=99", "x"):
        if broken.error is None:
            assert (await at.ask(cache_control=asks)).body == b"broken"
        else:
            with pytest.raises(ValueError, match="broken"):
                await at.ask(cache_control=asks)


async def test_what_is_kept_to_be_validated_is_never_served_for_an_error(site: Sites) -> None:
    at = site(old("max-age=10", etag='"1"'), reply(500, "broken"))
    await at.ask()
    at.clock.advance(15)
    assert (await at.ask()).body == b"broken"


async def test_those_who_wait_for_a_refresh_that_fails_get_what_they_may(site: Sites) -> None:
    broken = reply(500, "broken")
    broken.gate = asyncio.Event()
    at = site(old(IF_ERROR), broken)
    await at.ask()
    at.clock.advance(15)
    asks = asyncio.ensure_future(at.asks(10))
    await until(lambda: at.origin.calls == 2)
    await rest()
    broken.gate.set()
    assert {each.body for each in await asks} == {b"old"}


async def test_after_a_change_nothing_stale_is_served(site: Sites) -> None:
    at = site(old(WHILE), reply(204), fresh("new"))
    await at.ask()
    at.clock.advance(15)
    await at.ask(method="POST")
    assert (await at.ask()).body == b"new"
