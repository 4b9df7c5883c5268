"""304s in both directions: to a client's condition, and to our own question."""

import asyncio

import pytest

from cachekit import Cache
from cachekit.http import Stored
from cachekit.http.exchange import Scope
from cachekit.testing import FakeClock, ReferenceBackend
from tests.http.helpers import Origin, Reply, Site, Sites, fresh, lines_of, reply, until

OLD = {"etag": '"1"', "last_modified": "Sat, 11 Nov 2023 22:13:20 GMT"}


def stale(body: str = "one", **fields: str) -> Reply:
    """An answer that is kept only to be validated."""
    said = {"cache_control": "max-age=1", **OLD, **fields}
    return Reply(200, lines_of(said), body.encode())


def dated(**fields: str) -> Reply:
    """An answer that is fresh, and has both validators."""
    said = {"cache_control": "max-age=60", **OLD, **fields}
    return Reply(200, lines_of(said), b"one")


async def test_a_condition_is_answered_from_what_is_stored(site: Sites) -> None:
    at = site(dated(content_type="text/plain", x_a="b"))
    await at.ask()
    got = await at.ask(if_none_match='W/"0", W/"1"')
    assert (got.status, got.body, got.cache) == (304, b"", "hit; ttl=60")
    assert (got["etag"], got["cache-control"], got["x-a"]) == ('"1"', "max-age=60", "b")
    assert (got["content-type"], got["content-length"]) == (None, None)
    assert at.origin.calls == 1


async def test_a_condition_that_does_not_hold_gets_all_of_it(site: Sites) -> None:
    at = site(dated())
    await at.ask()
    got = [await at.ask(if_none_match='"2"'), await at.ask(if_modified_since="not a date")]
    assert [(each.status, each.body) for each in got] == [(200, b"one")] * 2


async def test_the_tag_goes_before_the_date(site: Sites) -> None:
    at = site(dated())
    await at.ask()
    date = OLD["last_modified"]
    assert (await at.ask(if_modified_since=date)).status == 304
    assert (await at.ask(if_modified_since=date, if_none_match='"2"')).status == 200


async def test_a_tag_of_one_url_never_answers_for_another(site: Sites) -> None:
    at = site(dated(), fresh("two", etag='"2"'))
    await at.ask("/one")
    got = await at.ask("/two", if_none_match='"1"')
    assert (got.status, got.body) == (200, b"two")


async def test_conditions_do_not_turn_an_error_into_a_304(site: Sites) -> None:
    at = site(reply(404, "gone", cache_control="max-age=60", etag='"1"'))
    await at.ask()
    assert (await at.ask(if_none_match='"1"')).status == 404


async def test_the_application_is_asked_whether_it_is_still_good(site: Sites) -> None:
    at = site(stale(x_a="old", x_b="kept"), reply(304, cache_control="max-age=60", x_a="new"))
    await at.ask(x_c="mine")
    at.clock.advance(5)
    got = await at.ask()
    assert at.origin.asked("if-none-match") == [b'"1"']
    assert at.origin.asked("if-modified-since") == [OLD["last_modified"].encode()]
    assert (got.status, got.body, got["age"]) == (200, b"one", "0")
    assert (got["x-a"], got["x-b"], got["content-length"]) == ("new", "kept", "3")
    assert (await at.ask()).cache == "hit; ttl=60"
    assert at.origin.calls == 2


async def test_a_new_answer_takes_the_place_of_the_old_one(site: Sites) -> None:
    at = site(stale(), fresh("two", etag='"2"'))
    await at.ask()
    at.clock.advance(5)
    first, second = await at.ask(), await at.ask()
    assert (first.body, second.body) == (b"two", b"two")
    assert (first.cache, second.cache) == ("fwd=stale; stored", "hit; ttl=60")
    assert at.origin.calls == 2


async def test_the_clients_condition_is_evaluated_after_ours(site: Sites) -> None:
    at = site(stale(), reply(304, cache_control="max-age=60"))
    await at.ask()
    at.clock.advance(5)
    got = await at.ask(if_none_match='"0"')
    assert at.origin.asked("if-none-match") == [b'"1"']
    assert (got.status, got.body) == (200, b"one")
    assert (await at.ask(if_none_match='"1"')).status == 304


async def test_what_says_no_cache_is_validated_each_time(site: Sites) -> None:
    at = site(stale(cache_control="no-cache"), reply(304), reply(304))
    assert [(await at.ask()).body for _ in range(3)] == [b"one"] * 3
    assert at.origin.calls == 3


NOT_TO_BE_KEPT = {
    "no-store": reply(304, cache_control="no-store"),
    "private": reply(304, cache_control="private, max-age=60"),
    "a cookie": reply(304, set_cookie="session=mine"),
    "vary": reply(304, vary="*"),
}


@pytest.mark.parametrize("told", NOT_TO_BE_KEPT.values(), ids=NOT_TO_BE_KEPT)
async def test_a_304_that_may_not_be_kept_is_the_clients_alone(site: Sites, told: Reply) -> None:
    at = site(stale(), told, reply(200, "two"))
    await at.ask()
    at.clock.advance(5)
    got = await at.ask()
    assert (got.status, got.body) == (200, b"one")
    again = await at.ask()
    assert (again.body, again["set-cookie"]) == (b"two", None)


async def test_a_client_that_wants_nothing_stored_gets_no_bare_304(site: Sites) -> None:
    at = site(stale(), reply(304, cache_control="max-age=60"))
    await at.ask()
    at.clock.advance(5)
    got = await at.ask(cache_control="no-store")
    assert (got.status, got.body) == (200, b"one")


async def test_a_304_to_the_clients_own_tag_says_nothing_of_what_is_stored(site: Sites) -> None:
    lasting = "max-age=1, stale-if-error=60"
    at = site(reply(200, "one", cache_control=lasting), reply(304, etag='"2"'), reply(200, "two"))
    await at.ask()
    at.clock.advance(5)
    got = await at.ask(if_none_match='"2"')
    assert (got.status, got.body) == (304, b"")
    assert (await at.ask()).body == b"two"


async def test_a_304_of_another_state_is_not_one_of_ours(site: Sites) -> None:
    at = site(stale(), reply(304, etag='"2"'), fresh("two", etag='"2"'))
    await at.ask()
    at.clock.advance(5)
    got = await at.ask()
    assert (got.status, got.body, got["etag"]) == (200, b"two", '"2"')
    assert at.origin.asked("if-none-match") == []
    assert (await at.ask()).body == b"two"


async def test_a_304_that_weakens_the_tag_is_one_of_ours(site: Sites) -> None:
    at = site(stale(), reply(304, etag='W/"1"', cache_control="max-age=60"))
    await at.ask()
    at.clock.advance(5)
    got = await at.ask()
    assert (got.status, got.body) == (200, b"one")
    assert at.origin.calls == 2


async def test_a_refresh_asks_nothing_for_the_client(site: Sites) -> None:
    windows = "max-age=1, stale-while-revalidate=60"
    at = site(reply(200, "one", cache_control=windows), fresh("two"))
    await at.ask()
    at.clock.advance(5)
    assert (await at.ask(if_none_match='"0"')).body == b"one"
    await until(lambda: at.origin.calls == 2)
    assert at.origin.asked("if-none-match") == []


async def test_a_304_to_a_client_is_passed_on_and_not_stored(site: Sites) -> None:
    at = site(reply(304, etag='"1"', cache_control="max-age=60"), fresh("one", etag='"1"'))
    got = await at.ask(if_none_match='"1"')
    assert (got.status, got.body) == (304, b"")
    assert (await at.ask()).body == b"one"


def versioned(scope: Scope) -> Reply:
    """By language, each with a tag of its own."""
    fields = dict(scope["headers"])
    tag = b'"%b"' % fields[b"accept-language"]
    if fields.get(b"if-none-match") == tag:
        return reply(304, cache_control="max-age=60")
    return stale(fields[b"accept-language"].decode(), etag=tag.decode(), vary="Accept-Language")


async def test_no_variant_is_validated_by_the_tag_of_another(site: Sites) -> None:
    at = site(versioned)
    for _ in range(2):
        for language in ("de", "en", "fr", "en", "de"):
            assert (await at.ask(accept_language=language)).body == language.encode()
        at.clock.advance(5)


def failing_tags(scope: Scope, stored: Stored) -> list[str]:
    raise RuntimeError("no tags today")


async def test_tags_that_cannot_be_told_keep_it_from_being_stored(
    site: Sites, caplog: pytest.LogCaptureFixture
) -> None:
    at = site(fresh("one"), tags_for=failing_tags)
    assert [(await at.ask()).body for _ in range(2)] == [b"one"] * 2
    assert at.origin.calls == 2
    assert "no tags today" in caplog.text


async def test_tags_that_cannot_be_told_of_what_is_validated_leave_it_to_its_client(
    site: Sites,
) -> None:
    failing = False

    def tags(scope: Scope, stored: Stored) -> list[str]:
        return failing_tags(scope, stored) if failing else []

    at = site(stale(), reply(304), tags_for=tags)
    await at.ask()
    at.clock.advance(5)
    failing = True
    got = await at.ask()
    assert (got.status, got.body) == (200, b"one")


async def test_it_tells_that_it_was_validated(site: Sites) -> None:
    at = site(stale(), reply(304))
    await at.ask()
    at.clock.advance(5)
    assert (await at.ask()).cache == "fwd=stale; fwd-status=304"


async def test_a_question_of_ours_that_takes_too_long_is_asked_anew_for_the_client() -> None:
    slow = reply(304)
    slow.gate = asyncio.Event()
    clock, origin = FakeClock(), Origin(stale(), slow, reply(200, "two"))
    store = ReferenceBackend(clock)
    async with Cache(store, namespace="http", clock=clock) as cache:
        await Site(origin, cache, clock).ask()
    clock.advance(5)
    async with Cache(store, namespace="http", clock=clock, load_timeout=0.01) as hasty:
        at = Site(origin, hasty, clock)
        got = await at.ask()
        assert (got.status, got.body) == (200, b"two")
        assert at.origin.asked("if-none-match", 1) == [b'"1"']
        assert at.origin.asked("if-none-match", 2) == []
        await until(lambda: at.origin.cancelled == 1)
