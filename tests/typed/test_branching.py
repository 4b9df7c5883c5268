"""Unions that hold themselves: pydantic takes twice as long for each level, so there are few."""

import json
from typing import Annotated, Any, Literal, Union

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field, TypeAdapter
from typing_extensions import TypeAliasType

from cachekit.errors import EncodeError, UnreadableError
from cachekit_pydantic import PydanticSerializer
from cachekit_pydantic.branching import TooDeepError, check_depth, choices_of, is_deeper


class Leaf(BaseModel):
    number: int


class Plus(BaseModel):
    left: "Plus | Minus | Leaf"
    right: "Plus | Minus | Leaf"


class Minus(BaseModel):
    of: "list[Plus | Minus | Leaf]"


class Comment(BaseModel):
    text: str
    answers: "list[Comment]" = []
    parent: "Comment | None" = None


class Cat(BaseModel):
    kind: Literal["cat"] = "cat"
    friend: "Pet | None" = None


class Dog(BaseModel):
    kind: Literal["dog"] = "dog"
    friend: "Pet | None" = None


Pet = Annotated[Cat | Dog, Field(discriminator="kind")]
Json: Any = TypeAliasType("Json", Union[dict[str, "Json"], list["Json"], str, int])  # type: ignore[misc]  # noqa: UP007

for model in (Plus, Minus, Cat, Dog):
    model.model_rebuild()


@pytest.mark.parametrize(
    ("annotation", "choices"),
    [
        (int, 1),
        (Leaf | Comment, 1),
        (list[Leaf | Comment], 1),
        (Comment, 1),
        (Pet, 1),
        (Json, 1),
        (Plus, 2),
        (list[Minus], 2),
        (dict[str, Plus | None], 2),
    ],
)
def test_choices_that_hold_their_union_again_are_counted(annotation: Any, choices: int) -> None:
    assert choices_of(TypeAdapter(annotation).core_schema) == choices


@pytest.mark.parametrize("start", [b'{"of":[', b'{"left":', b'{"of":[{"left":'])
def test_few_bytes_do_not_take_years(start: bytes) -> None:
    for levels in (24, 60, 200, 10_000):
        with pytest.raises(UnreadableError, match="TooDeepError"):
            PydanticSerializer(Plus).loads(start * levels)


def tree(levels: int) -> Plus | Leaf:
    return Leaf(number=1) if not levels else Plus(left=Leaf(number=2), right=tree(levels - 1))


def test_what_would_take_years_to_read_is_not_written() -> None:
    serializer = PydanticSerializer(Plus)
    assert serializer.loads(serializer.dumps(tree(6))) == tree(6)
    with pytest.raises(EncodeError, match="by a discriminator"):
        serializer.dumps(tree(30))


def test_with_a_discriminator_all_levels_come_back() -> None:
    pet: Any = Cat()
    for _ in range(80):
        pet = Dog(friend=pet)
    serializer = PydanticSerializer(Pet)
    assert serializer.loads(serializer.dumps(pet)) == pet


def test_large_values_of_other_types_are_not_held_up() -> None:
    value = {"a": [[["[[[{{{"] * 1000] * 10] * 10}
    assert PydanticSerializer(Json).loads(PydanticSerializer(Json).dumps(value)) == value


VALUES = st.recursive(
    st.none() | st.integers() | st.text(st.sampled_from('[]{}",\\a')),
    lambda it: st.lists(it, max_size=3) | st.dictionaries(st.text(max_size=2), it, max_size=3),
)


def depth_of(value: Any) -> int:
    if isinstance(value, dict):
        value = list(value.values())
    return 1 + max(map(depth_of, value), default=0) if isinstance(value, list) else 0


@given(VALUES)
def test_the_levels_are_those_of_the_brackets_outside_of_text(value: Any) -> None:
    data = json.dumps(value).encode()
    allowed = next(n for n in range(1, 30) if not is_deeper(data, n))
    assert allowed == max(1, depth_of(value))


def test_text_that_does_not_end_is_looked_at_once() -> None:
    with pytest.raises(TooDeepError):
        check_depth(b'["' + b'\\"' * 200_000, 2)
