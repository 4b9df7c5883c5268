"""Targets, and the invalidators that name them."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from cachekit.errors import ConfigurationError
from cachekit.invalidation import EventMap, Key, Prefix, Tag, Target, targets_of


@dataclass(frozen=True)
class Changed:
    id: int


class Renamed(Changed):
    pass


class Other:
    pass


def test_a_key_with_values_is_a_template() -> None:
    assert Key("user:{}:{}", "a:b", 1) == Key("user:a%3Ab:1")
    assert Key("user:{}", "a:b").text == "user:a:b"
    assert Key("{{{}}}", 1).text == "{1}"


@pytest.mark.parametrize("text", ["a{b", "{}", "}", "{x}", "50%s"])
def test_a_key_without_values_is_not_parsed(text: str) -> None:
    assert Key(text).text == text


@pytest.mark.parametrize(
    ("template", "values", "message"),
    [
        ("user:{}", (1, 2), "has 1 '{}' for 2 values"),
        ("user", (1,), "has 0 '{}' for 1 values"),
        ("user:{id}", (1,), "in order"),
        ("user:{0}", (1,), "no parameter"),
        ("{}{}", (1, 2), "separator"),
        ("{", (1,), "template"),
        ("{}", ("",), "must not be empty"),
        ("", (), "must not be empty"),
    ],
)
def test_keys_that_cannot_be(template: str, values: tuple[Any, ...], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        Key(template, *values)


@pytest.mark.parametrize("kind", [Tag, Prefix, Key])
def test_targets_are_texts_that_are_not_empty(kind: Any) -> None:
    with pytest.raises(ConfigurationError):
        kind("")
    with pytest.raises(TypeError, match=r"takes a str, not 5, a int"):
        kind(5)


def test_targets_are_values() -> None:
    assert {Tag("a"), Tag("a"), Prefix("a"), Key("a"), Key("a")} == {
        Tag("a"),
        Prefix("a"),
        Key("a"),
    }
    with pytest.raises(AttributeError):
        Tag("a").name = "b"  # type: ignore[misc]
    with pytest.raises(AttributeError):
        Key("a").text = "b"  # type: ignore[misc]


def test_the_empty_prefix_points_to_clear() -> None:
    with pytest.raises(ConfigurationError, match=r"clear\(\)"):
        Prefix("")


def test_an_event_map_of_functions_and_of_targets() -> None:
    events = EventMap(
        {Changed: lambda event: [Key("user:{}", event.id)], Other: [Tag("a"), Prefix("b:")]}
    )
    assert tuple(events(Changed(1))) == (Key("user:1"),)
    assert tuple(events(Other())) == (Tag("a"), Prefix("b:"))
    assert tuple(events("unheard of")) == ()


def test_registering_by_decorator_leaves_the_function_as_it_is() -> None:
    events = EventMap()

    @events.on(Changed, Other)
    def everything(event: Changed | Other) -> Target:
        return Tag("all")

    assert everything(Other()) == Tag("all")
    assert tuple(events(Changed(1))) == tuple(events(Other())) == (Tag("all"),)


def test_several_for_one_type_are_all_heard_and_so_is_a_base_type() -> None:
    events = EventMap({Changed: Tag("changed")})

    @events.on(Renamed)
    def renamed(event: Renamed) -> Iterator[Target]:
        yield Tag("renamed")

    @events.on(Changed)
    def again(event: Changed) -> list[Target]:
        return [Key("user:{}", event.id)]

    assert tuple(events(Renamed(2))) == (Tag("changed"), Tag("renamed"), Key("user:2"))
    assert tuple(events(Changed(2))) == (Tag("changed"), Key("user:2"))


def test_an_event_map_is_an_invalidator_like_any_other() -> None:
    inner = EventMap({Changed: Tag("a")})
    outer = EventMap({object: inner})
    assert targets_of(outer, Changed(1)) == (Tag("a"),)
    assert targets_of(lambda event: Tag("b"), Other()) == (Tag("b"),)


@pytest.mark.parametrize("answer", [None, "products", ["products"], 5, [Tag("a"), None], b"ab"])
def test_an_answer_that_is_no_targets_names_the_function(answer: Any) -> None:
    events = EventMap()

    @events.on(Changed)
    def careless(event: Changed) -> Any:
        return answer

    with pytest.raises(TypeError, match=r"careless returned .* for a Changed"):
        events(Changed(1))


def test_what_cannot_be_registered() -> None:
    async def slow(event: Changed) -> list[Target]:
        return []

    wrong: list[Any] = [
        lambda: EventMap({"Changed": Tag("a")}),  # type: ignore[dict-item]
        lambda: EventMap({Changed: "products"}),  # type: ignore[dict-item]
        lambda: EventMap({Changed: None}),  # type: ignore[dict-item]
        lambda: EventMap({Changed: slow}),  # type: ignore[dict-item]
        lambda: EventMap().on(Changed)(slow),
        lambda: EventMap().on(Changed)(Tag("a")),  # type: ignore[type-var]
        lambda: EventMap().on(),
    ]
    for attempt in wrong:
        with pytest.raises(ConfigurationError):
            attempt()
