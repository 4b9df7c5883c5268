"""What clients may ask of the cache, and HEAD and ranges."""

import pytest

from tests.http.helpers import Sites, fresh, lines_of, reply, scope_of


async def test_a_client_may_have_it_asked_for_anew(site: Sites) -> None:
    at = site(fresh("one"), fresh("two"), fresh("three"), fresh("four"))
    await at.ask()
    assert (await at.ask(cache_control="no-cache")).body == b"two"
    at.clock.advance(5)
    assert (await at.ask(cache_control="max-age=4")).body == b"three"
    assert (await at.ask(pragma="no-cache")).body == b"four"
    assert (await at.ask(cache_control="max-age=4")).body == b"four"


async def test_pragma_does_not_count_beside_cache_control(site: Sites) -> None:
    at = site(fresh("one"))
    await at.ask()
    assert (await at.ask(cache_control="max-age=60", pragma="no-cache")).body == b"one"
    assert at.origin.calls == 1


async def test_a_client_may_want_it_fresh_for_longer(site: Sites) -> None:
    at = site(fresh("one"), fresh("two"))
    await at.ask()
    at.clock.advance(30)
    assert (await at.ask(cache_control="min-fresh=30")).body == b"one"
    assert (await at.ask(cache_control="min-fresh=31")).body == b"two"


async def test_a_client_may_take_what_is_stale(site: Sites) -> None:
    at = site(fresh("one", etag='"1"'), fresh("two"))
    await at.ask()
    at.clock.advance(65)
    for said in ("max-stale", "max-stale=5"):
        got = await at.ask(cache_control=said)
        assert (got.body, got.cache) == (b"one", "hit; ttl=-5")
    assert (await at.ask(cache_control="max-stale=4")).body == b"two"


async def test_a_client_may_want_nothing_but_what_is_stored(site: Sites) -> None:
    at = site(fresh("one"))
    got = await at.ask(cache_control="only-if-cached")
    assert (got.status, got["content-length"], got.cache) == (504, "0", "fwd=request")
    assert at.origin.calls == 0
    await at.ask()
    assert (await at.ask(cache_control="only-if-cached")).body == b"one"
    at.clock.advance(60)
    assert (await at.ask(cache_control="only-if-cached")).status == 504


async def test_a_client_may_have_its_answer_not_stored(site: Sites) -> None:
    at = site(fresh("one"), fresh("two"))
    await at.ask(cache_control="no-store")
    assert (await at.ask()).body == b"two"


@pytest.mark.parametrize("said", ["no-cache", "no-store", "max-age=0", "only-if-cached"])
async def test_clients_may_be_given_no_say(site: Sites, said: str) -> None:
    at = site(fresh("one"), client_directives=False)
    await at.ask(cache_control=said)
    at.clock.advance(1)
    assert (await at.ask(cache_control=said, pragma="no-cache")).cache == "hit; ttl=59"
    assert at.origin.calls == 1


async def test_head_is_answered_from_what_is_stored(site: Sites) -> None:
    at = site(fresh("one", etag='"1"'))
    await at.ask()
    got = await at.ask(method="HEAD")
    assert (got.body, got["content-length"], got.cache) == (b"", "3", "hit; ttl=60")
    assert (await at.ask(method="HEAD", if_none_match='"1"')).status == 304
    assert at.origin.calls == 1


async def test_head_of_what_is_not_stored_is_passed_on(site: Sites) -> None:
    at = site(fresh("", content_length="3"), fresh("one"))
    got = await at.ask(method="HEAD")
    assert (got.body, got["content-length"], got.cache) == (b"", "3", "fwd=miss")
    assert at.origin.scopes[0]["method"] == "HEAD"
    assert (await at.ask()).body == b"one"


async def test_parts_are_cut_out_of_what_is_stored(site: Sites) -> None:
    at = site(fresh("0123456789", etag='"1"'))
    await at.ask()
    got = await at.ask(range="bytes=2-4")
    assert (got.status, got.body, got["content-range"]) == (206, b"234", "bytes 2-4/10")
    assert got["content-length"] == "3"
    assert (await at.ask(range="bytes=10-")).status == 416
    assert (await at.ask(range="bytes=2-4", if_range='"1"')).status == 206
    assert (await at.ask(range="bytes=2-4", if_range='"0"')).body == b"0123456789"
    assert (await at.ask(range="bytes=2-4", if_none_match='"1"')).status == 304
    assert at.origin.calls == 1


async def test_a_range_of_what_is_not_stored_is_passed_on_and_not_stored(site: Sites) -> None:
    at = site(reply(206, "234", cache_control="max-age=60"), fresh("0123456789"))
    got = await at.ask(range="bytes=2-4")
    assert (got.status, got.body, got.cache) == (206, b"234", "fwd=miss")
    assert at.origin.asked("range") == [b"bytes=2-4"]
    assert (await at.ask()).body == b"0123456789"


@pytest.mark.parametrize("field", ["if_match", "if_unmodified_since", "upgrade", "expect"])
async def test_what_only_the_application_can_decide_is_passed_on(site: Sites, field: str) -> None:
    at = site(fresh("one", etag='"1"'))
    await at.ask()
    got = await at.client.send(scope_of("/", headers=lines_of({field: "x"})))
    assert got.cache == "fwd=bypass"
    assert at.origin.asked(field.replace("_", "-")) == [b"x"]


async def test_what_comes_from_another_cache_keeps_what_that_told(site: Sites) -> None:
    at = site(fresh("one", cache_status="cdn; hit", age="10"))
    await at.ask()
    got = await at.ask()
    assert got.all("cache-status") == ["cdn; hit", "cachekit; hit; ttl=50"]
    assert got["age"] == "10"


async def test_a_cache_without_a_name_tells_nothing(site: Sites) -> None:
    at = site(fresh("one"), name=None)
    for _ in range(2):
        assert (await at.ask()).all("cache-status") == []


async def test_a_field_of_cdns_counts_where_it_is_a_target(site: Sites) -> None:
    answer = reply(200, "one", cdn_cache_control="max-age=60", cache_control="no-store")
    at = site(answer, targets=["CDN-Cache-Control"])
    await at.ask()
    got = await at.ask()
    assert got.cache == "hit; ttl=60"
    assert (got["cdn-cache-control"], got["cache-control"]) == ("max-age=60", "no-store")


async def test_a_field_of_cdns_does_not_count_otherwise(site: Sites) -> None:
    at = site(reply(200, "one", cdn_cache_control="max-age=60"))
    await at.ask()
    await at.ask()
    assert at.origin.calls == 2
