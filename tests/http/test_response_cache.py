"""What is stored is served, with its age, to whom it suits."""

from dataclasses import replace

from cachekit.http.asked import ask
from cachekit.http.response_cache import SERIALIZER
from cachekit.http.rules import Rule
from cachekit.http.stored import Stored
from tests.http.helpers import Site, Sites, fresh, reply, scope_of

LYING = Stored(200, ((b"content-length", b"3"),), b"old", 0.0, lifetime=60.0)
"""What another version of the service may have stored for an hour."""


async def lay(at: Site, stored: Stored) -> None:
    """Have it lie under the key of `/`, known to this process."""
    asked = ask(scope_of("/"), None)
    assert asked is not None
    stored = replace(stored, received=at.clock.time())
    await at.cache.set(asked.key, stored, serializer=SERIALIZER, ttl=3600)


async def test_what_lies_at_hand_is_served(site: Sites) -> None:
    at = site(fresh("new"))
    await lay(at, LYING)
    assert [(await at.ask()).body for _ in range(2)] == [b"old", b"old"]
    assert at.origin.calls == 0


async def test_what_is_to_be_validated_is_not_served_unasked(site: Sites) -> None:
    at = site(fresh("new"), rules=[Rule(path="/*", tags=["a"])])  # which it lies there without
    await lay(at, replace(LYING, validate=True))
    assert (await at.ask()).body == b"new"
    assert at.origin.calls == 1


async def test_what_lies_where_a_rule_stores_nothing_is_not_served(site: Sites) -> None:
    at = site(fresh("new"), rules=[Rule(path="/*", store=False)])
    await lay(at, LYING)
    assert [(await at.ask()).body for _ in range(2)] == [b"new", b"new"]
    assert at.origin.calls == 2


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
