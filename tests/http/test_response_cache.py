"""What is stored is served, with its age, to whom it suits."""

from tests.http.helpers import Sites, fresh, reply


async def test_a_second_request_is_a_hit(site: Sites) -> None:
    at = site(fresh("one", x_a="b"))
    first, second = await at.ask(), await at.ask()
    assert (first.body, second.body) == (b"one", b"one")
    assert (first.cache, second.cache) == ("fwd=uri-miss; stored", "hit; ttl=60")
    assert second["x-a"] == "b"
    assert at.origin.calls == 1


async def test_it_tells_its_age(site: Sites) -> None:
    at = site(fresh("one"))
    await at.ask()
    at.clock.advance(7.9)
    assert (await at.ask())["age"] == "7"


async def test_it_is_asked_for_anew_when_it_is_no_longer_fresh(site: Sites) -> None:
    at = site(fresh("one"), fresh("two"))
    await at.ask()
    at.clock.advance(60)
    assert (await at.ask()).body == b"two"


async def test_what_says_nothing_of_freshness_is_not_stored(site: Sites) -> None:
    at = site(reply(200, "one"))
    assert [(await at.ask()).cache for _ in range(2)] == ["fwd=uri-miss"] * 2
    assert at.origin.calls == 2
