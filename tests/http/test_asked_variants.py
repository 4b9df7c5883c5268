"""Whether a response is one to a request, by what it varies on."""

import pytest

from cachekit.http.asked import normal
from cachekit.http.rules import Rule
from cachekit.http.stored import Stored
from tests.http.test_asked import asked

SAME = [
    (b"foo", [b"a, b"], [b"a,b"]),
    (b"foo", [b"a", b"b"], [b"a , b"]),
    (b"accept-language", [b"DE, en"], [b"de,EN"]),
]
OTHER: list[tuple[bytes, list[bytes], list[bytes]]] = [
    (b"foo", [b"a, b"], [b"b, a"]),
    (b"foo", [b"A"], [b"a"]),
    (b"foo", [b""], []),
    (b"foo", [b'"a, b"'], [b'"a,b"']),
    (b"cookie", [b"a=1, b"], [b"a=1,b"]),
    (b"cookie", [b"a=1", b"b=2"], [b"a=1,b=2"]),
    (b"accept-language", [b"de, en"], [b"en, de"]),
]


@pytest.mark.parametrize(("name", "one", "two"), SAME)
def test_fields_that_mean_the_same_are_the_same(
    name: bytes, one: list[bytes], two: list[bytes]
) -> None:
    assert normal([(name, v) for v in one], name) == normal([(name, v) for v in two], name)


@pytest.mark.parametrize(("name", "one", "two"), OTHER)
def test_fields_that_may_mean_something_else_differ(
    name: bytes, one: list[bytes], two: list[bytes]
) -> None:
    assert normal([(name, v) for v in one], name) != normal([(name, v) for v in two], name)


def stored(vary: tuple[bytes, ...], *selected: bytes | None) -> Stored:
    return Stored(200, (), b"", 0.0, vary=vary, selected=selected)


def test_a_response_suits_requests_that_say_the_same_where_it_varies() -> None:
    german = asked("/a", (b"accept-language", b"de"))
    assert german.suits(stored((b"accept-language",), b"de"))
    assert not german.suits(stored((b"accept-language",), b"en"))
    assert not german.suits(stored((b"accept-language",), None))
    assert german.suits(stored(()))


def test_each_variant_has_a_place_of_its_own() -> None:
    there = stored((b"a", b"b"), b"1", None)
    places = {
        asked("/a", *headers).variant("k", there)
        for headers in [(), ((b"a", b"2"),), ((b"b", b"2"),), ((b"a", b""),)]
    }
    assert len(places) == 4


@pytest.mark.parametrize("name", [b"authorization", b"cookie", b"x-acme-token"])
def test_no_secret_is_stored_where_an_answer_varies_on_it(name: bytes) -> None:
    said = asked("/a", (name, b"secret"), rule=Rule(path="/a", cookies=[])).selected((name,))
    other = asked("/a", (name, b"secret2"), rule=Rule(path="/a", cookies=[])).selected((name,))
    assert b"secret" not in (said[0] or b"secret")
    assert said != other
    assert asked("/a").selected((name,)) == (None,)
