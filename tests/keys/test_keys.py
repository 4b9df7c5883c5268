"""Store keys: three spaces, natural or digested, and prefixes that never forget too little."""

import re
from collections.abc import Callable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cachekit.errors import ConfigurationError
from cachekit.keys import (
    LONGEST,
    check_namespace,
    claim_of,
    prefix_keys,
    record_key,
    tag_key,
    value_key,
)

NAMESPACES = st.from_regex(r"[A-Za-z0-9_.\-/]{0,40}", fullmatch=True)
SAFE = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7D))
ANY = st.text(st.characters())  # lone surrogates included
KEYS = st.one_of(
    SAFE.filter(bool),
    ANY.filter(bool),
    st.builds(lambda a, n, b: a * n + b, st.text("ab~ é", min_size=1), st.integers(1, 90), ANY),
)


def test_a_short_and_safe_key_is_stored_as_it_is() -> None:
    assert value_key("shop", "product:1") == "v:shop:product:1"
    assert tag_key("shop", "products") == "t:shop:products"
    assert value_key("", "a") == "v::a"


def test_records_are_where_no_tag_can_be() -> None:
    assert record_key("shop", "home") == "t:shop~home"
    assert tag_key("shop", "~home").startswith("t:shop:~")


def test_a_claim_is_the_sibling_of_its_value() -> None:
    assert claim_of(value_key("shop", "product:1")) == "c:shop:product:1"


@pytest.mark.parametrize(
    ("key", "readable"),
    [
        ("a b", "a"),
        ("café:1", "caf"),
        ("x~" + "0" * 32, "x"),
        ("\x7f", ""),
        ("k" * 300, "k" * 80),
        ("k" * 90 + " ", "k" * 80),
        ("\ud800", ""),
    ],
)
def test_any_other_key_is_a_readable_beginning_and_a_digest(key: str, readable: str) -> None:
    assert re.fullmatch(re.escape(f"v:shop:{readable}~") + "[0-9a-f]{32}", value_key("shop", key))


def test_the_limit_counts_the_whole_store_key() -> None:
    fits = "k" * (LONGEST - len("v:shop:"))
    assert value_key("shop", fits) == f"v:shop:{fits}"
    assert "~" in value_key("shop", fits + "k")


def test_a_key_of_a_megabyte_works() -> None:
    key = "k" * 1_000_000
    assert len(value_key("shop", key)) <= LONGEST
    assert value_key("shop", key) != value_key("shop", key + "k")


@given(NAMESPACES, KEYS)
def test_every_store_key_suits_every_store(namespace: str, key: str) -> None:
    stored = value_key(namespace, key)
    assert len(stored) <= LONGEST
    assert re.fullmatch("[!-~]+", stored)


@given(KEYS, KEYS)
@example("a~", "a ")
@example("a b", "a  b")
def test_different_keys_are_stored_apart(one: str, other: str) -> None:
    assert (value_key("n", one) == value_key("n", other)) == (one == other)


@given(KEYS)
def test_no_key_can_be_made_to_look_like_the_digest_of_another(key: str) -> None:
    stored = value_key("n", key)
    forged = stored.removeprefix("v:n:")
    assert ("~" not in stored) or value_key("n", forged) != stored


@given(NAMESPACES, KEYS, NAMESPACES, KEYS)
def test_spaces_and_namespaces_never_meet(ns: str, key: str, other_ns: str, other: str) -> None:
    stored = {
        value_key(ns, key),
        tag_key(ns, key),
        record_key(ns, key),
        claim_of(value_key(ns, key)),
    }
    assert len(stored) == 4
    if ns != other_ns:
        makers = (value_key, tag_key, record_key)
        assert not stored & {make(other_ns, other) for make in makers}


@given(KEYS, ANY)
@example("k" * 80, "k" * 300)
@example("k" * 81, "k" * 300)
@example("k" * 190, "kkk")
@example("k" * 192, "é")
@example("a b", "c")
@example("a~", "c")
def test_a_prefix_never_forgets_too_little(prefix: str, rest: str) -> None:
    assert value_key("n", prefix + rest).startswith(prefix_keys("n", prefix))


@given(KEYS, KEYS)
def test_a_prefix_forgets_no_natural_key_that_does_not_begin_with_it(prefix: str, key: str) -> None:
    stored = value_key("n", key)
    if "~" not in stored and not key.startswith(prefix):
        assert not stored.startswith(prefix_keys("n", prefix))


@given(KEYS)
def test_a_prefix_stays_in_its_namespace(prefix: str) -> None:
    assert all(found.startswith("v:n:") for found in prefix_keys("n", prefix))


def test_a_long_prefix_forgets_every_digested_key_under_its_readable_part() -> None:
    assert prefix_keys("n", "k" * 100) == (f"v:n:{'k' * 100}", f"v:n:{'k' * 80}~")
    assert prefix_keys("n", "k" * 300) == (f"v:n:{'k' * 80}~",)
    assert prefix_keys("n", "report:") == ("v:n:report:",)


@pytest.mark.parametrize("make", [value_key, tag_key, record_key, prefix_keys])
def test_an_empty_key_is_an_error(make: Callable[[str, str], object]) -> None:
    with pytest.raises(ConfigurationError, match="must not be empty"):
        make("n", "")


def test_what_is_no_str_is_named() -> None:
    with pytest.raises(TypeError, match="a key is a str, not 5, a int"):
        value_key("n", 5)  # type: ignore[arg-type]


def test_a_key_of_a_class_derived_from_str_is_its_text() -> None:
    class Loud(str):
        def __str__(self) -> str:
            return "LOUD"

    assert value_key("n", Loud("a")) == "v:n:a"
    assert type(value_key("n", Loud("a"))) is str


@pytest.mark.parametrize("namespace", ["", "shop", "a.b-c_d/e", "x" * 40])
def test_namespaces_that_will_do(namespace: str) -> None:
    assert check_namespace(namespace) == namespace


@pytest.mark.parametrize("namespace", ["a:b", "a~b", "a b", "é", "x" * 41, "a\n", None, 5])
def test_namespaces_that_will_not(namespace: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^namespace=.* will not do: write at most 40"):
        check_namespace(namespace)
