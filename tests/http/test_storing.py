"""Which responses are stored, and what of them."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cachekit.http.asked import ask
from cachekit.http.cache_control import CacheControl
from cachekit.http.dates import format_date
from cachekit.http.policy import Policy
from cachekit.http.stored import Stored
from cachekit.http.storing import Received, Storing
from tests.http.helpers import Lines, scope_of

NOW = 1_700_000_000.0
FRESH = (b"cache-control", b"max-age=60")
PLAIN = Storing()


def cc(value: bytes) -> tuple[bytes, bytes]:
    return b"cache-control", value


def judged(
    *headers: tuple[bytes, bytes],
    status: int = 200,
    asking: Lines | None = None,
    storing: Storing = PLAIN,
    policy: Policy | None = None,
) -> Stored | str:
    asked = ask(scope_of("/", headers=asking or []), None)
    assert asked is not None
    return storing.judge(Received(asked, status, headers, NOW, NOW), policy)


def kept(*headers: tuple[bytes, bytes], **more: Any) -> Stored:
    found = judged(*headers, **more)
    assert isinstance(found, Stored), found
    return found


@pytest.mark.parametrize("status", [200, 204, 299, 302, 307, 400, 404, 418, 499, 500, 503, 599])
def test_what_says_how_long_it_is_fresh_is_stored_whatever_its_status(status: int) -> None:
    assert kept(FRESH, status=status).lifetime == 60


@pytest.mark.parametrize("status", [100, 103, 199, 206, 226, 304, 600, 999])
def test_what_is_no_whole_response_is_not_stored(status: int) -> None:
    assert judged(FRESH, status=status) == "status"


REFUSED = [
    (b"no-store", "no-store"),
    (b"NO-STORE", "no-store"),
    (b"no-store=x", "no-store"),
    (b"no-store, public", "no-store"),
    (b"private", "private"),
    (b'private=""', "private"),
    (b'private="a", private', "private"),
    (b"max-age=0", "no-freshness"),
    (b"public", "no-freshness"),
    (b"", "no-freshness"),
    (b"max-age=x", "no-freshness"),
]


@pytest.mark.parametrize(("said", "why"), REFUSED)
def test_what_is_not_to_be_stored_is_not(said: bytes, why: str) -> None:
    both = (cc(b"max-age=60"), cc(said)) if why not in ("no-freshness",) else (cc(said),)
    assert judged(*both) == why


def test_must_understand_takes_no_store_back_where_the_status_is_understood() -> None:
    said = cc(b"max-age=60, no-store, must-understand")
    assert isinstance(judged(said), Stored)
    assert judged(said, status=418) == "no-store"
    assert judged(cc(b"max-age=60, must-understand"), status=418) == "must-understand"


@pytest.mark.parametrize("name", [b"set-cookie", b"Set-Cookie"])
def test_what_sets_a_cookie_is_never_stored(name: bytes) -> None:
    assert judged(cc(b"public, max-age=60"), (name, b"a=b")) == "set-cookie"
    assert judged(cc(b'public, max-age=60, no-cache="set-cookie"'), (name, b"a=b")) == "set-cookie"
    policy = Policy(server=CacheControl(max_age=60))
    assert judged((name, b"a=b"), policy=policy) == "set-cookie"


@pytest.mark.parametrize("vary", [b"*", b"a, *", b"*,a", b" * "])
def test_what_varies_on_anything_is_never_stored(vary: bytes) -> None:
    assert judged(FRESH, (b"vary", vary)) == "vary"
    assert judged(FRESH, (b"vary", b"a"), (b"vary", vary)) == "vary"


CREDENTIALS = [(b"authorization", b"Bearer a"), (b"x-api-key", b"a"), (b"x-user-id", b"1")]


@pytest.mark.parametrize("who", sorted(CREDENTIALS))
def test_an_answer_to_who_has_credentials_is_stored_only_if_it_says_so(
    who: tuple[bytes, bytes],
) -> None:
    assert judged(FRESH, asking=[who]) == "credentials"
    for said in (b"public, max-age=60", b"max-age=60, must-revalidate", b"s-maxage=60"):
        assert isinstance(judged(cc(said), asking=[who]), Stored)


def test_no_rule_consents_for_an_answer_to_who_has_credentials() -> None:
    policy = Policy(server=CacheControl(public=True, s_maxage=60))
    assert judged(FRESH, asking=CREDENTIALS, policy=policy) == "credentials"


def test_a_client_may_ask_that_nothing_be_stored() -> None:
    assert judged(FRESH, asking=[cc(b"no-store")]) == "request"


@pytest.mark.parametrize("kind", [b"text/event-stream", b"Text/Event-Stream; charset=utf-8"])
def test_a_stream_of_events_is_not_stored(kind: bytes) -> None:
    assert judged(FRESH, (b"content-type", kind)) == "stream"


def test_guesses_are_made_only_on_request() -> None:
    modified = (b"last-modified", format_date(NOW - 100))
    assert judged(modified) == "no-freshness"
    assert kept(modified, storing=Storing(heuristics=True)).lifetime == 10


def test_what_is_never_fresh_is_stored_to_be_validated() -> None:
    tag = (b"etag", b'"1"')
    assert kept(cc(b"max-age=0"), tag).lifetime == 0
    assert kept(cc(b"no-cache"), tag).validate
    assert judged(cc(b"no-cache")) == "no-freshness"
    assert judged(tag) == "no-freshness"


def test_what_comes_too_old_is_stored_only_to_be_validated_or_served_stale() -> None:
    old = (b"age", b"61")
    assert judged(FRESH, old) == "no-freshness"
    assert kept(FRESH, old, (b"etag", b'"1"')).age == 61
    assert kept(cc(b"max-age=60, stale-while-revalidate=9"), old).while_revalidate == 9


@pytest.mark.parametrize(
    "said", [b"must-revalidate", b"proxy-revalidate", b"s-maxage=5", b"no-cache"]
)
def test_some_directives_forbid_all_that_is_stale(said: bytes) -> None:
    found = kept(
        cc(b"max-age=60, stale-while-revalidate=9, stale-if-error=9"), cc(said), (b"etag", b'"1"')
    )
    assert (found.strict, found.while_revalidate, found.if_error) == (True, 0, 0)


def test_no_cache_and_private_may_be_for_some_fields_which_are_left_out() -> None:
    said = cc(b'max-age=60, no-cache="x-a, X-B", private="x-c"')
    found = kept(said, (b"x-a", b"1"), (b"X-b", b"2"), (b"x-c", b"3"), (b"x-d", b"4"))
    assert found.headers == (said, (b"x-d", b"4"))
    assert not found.validate
    assert not found.strict


def test_every_field_is_kept_in_its_order_but_those_of_the_connection() -> None:
    fields = [
        FRESH,
        (b"x-a", b"1"),
        (b"connection", b"close, X-B"),
        (b"x-b", b"2"),
        (b"X-A", b"3"),
        (b"keep-alive", b"5"),
        (b"proxy-authenticate", b"x"),
        (b"transfer-encoding", b"chunked"),
        (b"age", b"5"),
        (b"date", b"x"),
        (b"x-\xff", b"\xff\x00"),
    ]
    names = [name for name, _ in kept(*fields).headers]
    assert names == [b"cache-control", b"x-a", b"x-a", b"date", b"x-\xff"]


def test_it_is_for_requests_that_say_the_same_where_it_varies() -> None:
    found = kept(FRESH, (b"vary", b"B, a,,b"), asking=[(b"a", b"1, 2")])
    assert (found.vary, found.selected) == ((b"a", b"b"), (b"1,2", None))


SERVER = Policy(browser=CacheControl(max_age=5), server=CacheControl(max_age=60))


def test_a_rule_for_the_server_counts_in_place_of_what_the_answer_says() -> None:
    assert kept(policy=SERVER).lifetime == 60
    assert kept(cc(b"public, max-age=1"), policy=SERVER).lifetime == 60


def test_a_rule_for_browsers_counts_only_where_the_answer_says_nothing() -> None:
    browser = Policy(browser=CacheControl(max_age=5))
    assert kept(policy=browser).lifetime == 5
    assert kept(cc(b"max-age=1"), policy=browser).lifetime == 1
    assert judged((b"expires", b"0"), policy=browser) == "no-freshness"


@pytest.mark.parametrize("said", [b"private", b"no-store", b"no-cache", b'private="a"'])
def test_no_rule_takes_back_what_an_answer_forbids(said: bytes) -> None:
    found = judged(cc(said), policy=SERVER)
    assert isinstance(found, str)


def test_a_rule_that_forbids_is_obeyed() -> None:
    forbids = Policy(server=CacheControl(no_store=True))
    assert judged(FRESH, policy=forbids) == "no-store"


@pytest.mark.parametrize("said", [b"no-cache", b"x, No-Cache"])
def test_no_rule_stores_what_says_in_the_old_way_that_it_is_not_to_be(said: bytes) -> None:
    assert judged((b"pragma", said), policy=SERVER) == "no-freshness"
    assert isinstance(judged((b"pragma", b"x"), policy=SERVER), Stored)


@pytest.mark.parametrize("status", [302, 404, 500])
def test_rules_are_for_success(status: int) -> None:
    assert judged(status=status, policy=SERVER) == "no-freshness"


def test_the_lifetime_of_a_rule_leaves_stale_windows_open() -> None:
    policy = Policy(server=CacheControl(s_maxage=60, stale_while_revalidate=9))
    found = kept(policy=policy)
    assert (found.lifetime, found.while_revalidate, found.strict) == (60, 9, False)


NAMES = st.sampled_from(
    [b"cache-control", b"vary", b"age", b"date", b"expires", b"connection", b"content-type"]
) | st.binary(max_size=6)
VALUES = st.binary(max_size=20) | st.sampled_from(
    [b"max-age=60", b"*", b"private", b"no-store", b'no-cache="a', b"public", b"set-cookie"]
)
LINES = st.lists(st.tuples(NAMES, VALUES), max_size=6)
FORBIDDING = {(b"cache-control", b"no-store"), (b"cache-control", b"private"), (b"vary", b"*")}
"""As whole lines: `Vary: private` names a field, `Cache-Control: *` is a directive nobody knows."""


@settings(max_examples=50, deadline=None)
@given(LINES, LINES, st.integers(-1, 1000), st.booleans())
def test_no_bytes_raise_and_nothing_forbidden_is_stored(
    asking: list[tuple[bytes, bytes]],
    headers: list[tuple[bytes, bytes]],
    status: int,
    heuristics: bool,
) -> None:
    asked = ask(scope_of("/", headers=asking), None)
    if asked is None:
        return
    storing = Storing([b"cdn-cache-control"], heuristics)
    found = storing.judge(Received(asked, status, headers, NOW, NOW), None)
    if isinstance(found, Stored):
        assert not {(name, value.strip()) for name, value in headers} & FORBIDDING
        assert asked.suits(found)
