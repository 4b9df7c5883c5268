"""The keys of the last calls are at hand, and are never those of other arguments."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cachekit.builder import compile_key
from cachekit.recent_keys import EACH, MOST, with_recent

ALIKE = [1, True, 1.0, 0, False, 0.0, -0.0, None, "1", b"1", "", b"", "None", 2**63, "a b", "ž"]


class Text(str):
    """Equal to a str, and none."""

    __slots__ = ()


class Counting:
    """A builder that tells how often it was asked."""

    def __init__(self) -> None:
        self.asked = 0

    def __call__(self, args: tuple[Any, ...], kwargs: Any) -> str:
        self.asked += 1
        return repr((args, kwargs))


def recent_of(build: Any) -> dict[Any, str] | None:
    """What it keeps; `None` if it keeps nothing at all."""
    names = build.__code__.co_freevars
    return build.__closure__[names.index("known")].cell_contents if "known" in names else None


def plain(one: Any, two: Any = None) -> None: ...


def long_ago(one: Any) -> None: ...


@given(st.lists(st.tuples(st.sampled_from(ALIKE), st.sampled_from(ALIKE)), max_size=60))
@pytest.mark.parametrize("key", [None, "of:{one}:{two}"])
def test_they_are_those_that_are_built(key: str | None, calls: list[tuple[Any, Any]]) -> None:
    built = compile_key(plain, namespace="shop", key=key)
    for args in calls * 2:
        fresh = compile_key(plain, namespace="shop", key=key)
        assert built.stored(args, {}) == fresh.stored(args, {})
        assert built.stored(args[:1], {"two": args[1]}) == fresh.stored(args, {})
        for names in (("one", "two"), ("two", "one")):
            named = dict(zip(names, args, strict=True))
            assert built.stored((), named) == fresh.stored((named["one"], named["two"]), {})


def test_what_is_asked_for_again_is_not_built_again() -> None:
    build = Counting()
    stored = with_recent(build)
    assert {stored((1, "a", None), {}) for _ in range(100)} == {build((1, "a", None), {})}
    assert build.asked <= EACH + 1


@pytest.mark.parametrize("value", [True, 1.0, b"1", Text("1"), (1,), [1], object()])
def test_what_could_be_equal_to_something_else_is_built_each_time(value: Any) -> None:
    build = Counting()
    stored = with_recent(build)
    for _ in range(3 * EACH):
        stored((value,), {})
    assert build.asked == 3 * EACH


def test_they_are_not_more_than_a_few() -> None:
    stored = with_recent(Counting())
    for number in range(2 * EACH * MOST):
        stored((number,), {})
    assert MOST / 2 < len(recent_of(stored) or {}) <= MOST


class Site:
    """Has an attribute that a template uses."""

    version = 1


SITE = Site()
LIST = ["en"]


def of_nothing() -> None: ...


def of_a_list(one: Any, two: Any = LIST) -> None: ...


def of_a_site(one: Any, two: Any = SITE) -> None: ...


@pytest.mark.parametrize(
    ("function", "how", "args"),
    [
        (of_nothing, {"key": lambda: f"menu:{LIST}"}, ()),
        (plain, {"key": lambda one, two=None: f"menu:{LIST}"}, (1,)),
        (of_a_list, {}, (1,)),
        (of_a_site, {"key": "{two.version}:{one}"}, (1,)),
    ],
)
def test_what_the_arguments_do_not_say_may_change(
    function: Any, how: Any, args: tuple[Any, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = compile_key(function, namespace="shop", **how).stored
    monkeypatch.setattr(SITE, "version", 1)
    LIST[0] = "en"
    before = {stored(args, {}) for _ in range(3 * EACH)}
    monkeypatch.setattr(SITE, "version", 2)
    LIST[0] = "de"
    after = {stored(args, {}) for _ in range(3 * EACH)}
    assert (len(before), len(after)) == (1, 1)
    assert before != after


def test_an_attribute_does_not_say_all_of_an_argument() -> None:
    stored = compile_key(plain, namespace="shop", key="{one.imag}:{two}").stored
    assert recent_of(stored) is None


@pytest.mark.parametrize("how", [{"key": "of:{one}"}, {"ignore": ["two"]}])
def test_arguments_that_are_not_in_the_key_are_not_kept(how: Any) -> None:
    built = compile_key(plain, namespace="shop", **how)
    for number in range(2 * EACH):
        built.stored(("a", f"large {number}"), {})
    assert recent_of(built.stored) is None
    assert recent_of(with_recent(built.stored)) == {}


def test_what_is_too_long_for_a_key_is_not_kept() -> None:
    build = compile_key(long_ago, namespace="shop").stored
    texts = [f"{number}" * 10_000 for number in range(2 * EACH)]
    assert len({build((text,), {}) for text in texts}) == 2 * EACH
    assert recent_of(build) == {}
