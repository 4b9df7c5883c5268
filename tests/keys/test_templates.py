"""Templates: checked when they are parsed, and never the same key for two fillings."""

import datetime
import enum
import uuid
from decimal import Decimal
from pathlib import PurePosixPath
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cachekit.errors import ConfigurationError
from cachekit.templates import Template, text_of


class Color(enum.Enum):
    RED = "red"


class Level(enum.IntEnum):
    LOW = 1


def filled(text: str, *values: str, escape: bool = True) -> str:
    return Template(text, escape=escape).fill(values)


def test_fields_are_filled_in_their_order() -> None:
    template = Template("product:{product_id}:{user.name}", escape=True)
    assert template.fields == ("product_id", "user.name")
    assert template.fill(["1", "bob"]) == "product:1:bob"


def test_a_single_field_is_not_escaped() -> None:
    assert filled("product:{}", "a:b%") == "product:a:b%"


def test_several_fields_are_escaped() -> None:
    assert filled("{}:{}", "a:b", "50%") == "a%3Ab:50%25"
    assert filled("{}→{}", "→", "1") == "%E2%86%92→1"


def test_tags_are_not_escaped() -> None:
    assert filled("{}:{}", "a:b", "c", escape=False) == "a:b:c"
    assert filled("{}{}", "a", "b", escape=False) == "ab"


def test_doubled_braces_are_braces() -> None:
    assert filled("{{{}}}100%", "1") == "{1}100%"
    assert Template("{{}}", escape=True).fields == ()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a{", "single '{'|Single '{'|expected '}'"),
        ("a}", "Single '}'"),
        ("{a!r}", "conversion or a format"),
        ("{a:>5}", "conversion or a format"),
        ("{a[0]}", "no parameter or attribute"),
        ("{a b}", "no parameter or attribute"),
        ("{a.}", "no parameter or attribute"),
        ("{.a}", "no parameter or attribute"),
        ("{0}", "no parameter or attribute"),
        ("{a}{b}", "put a separator such as ':' between"),
        ("{a}x{b}", "put a separator such as ':' between"),
        ("{a}%{b}", "put a separator such as ':' between"),
        ("{a}:{b}é{c}", "'{b}' from '{c}'"),
    ],
)
def test_what_a_template_cannot_be(text: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        Template(text, escape=True)


SEPARATORS = st.text(":-/|x1%→ .", min_size=1, max_size=3).filter(
    lambda text: any(not char.isalnum() and char != "%" for char in text)
)


@given(
    st.lists(SEPARATORS, min_size=1, max_size=3),
    st.sampled_from(["", "%", "a:", ":%3A"]),
    st.sampled_from(["", "%", ":b"]),
    st.data(),
)
def test_different_fillings_make_different_keys(
    separators: list[str], before: str, after: str, data: st.DataObject
) -> None:
    text = before + "{}" + "".join(f"{separator}{{}}" for separator in separators) + after
    count = len(separators) + 1
    values = st.lists(st.text("a1:%3A-/|x→ ."), min_size=count, max_size=count)
    one = data.draw(values)
    other = data.draw(values)
    assert (filled(text, *one) == filled(text, *other)) == (one == other)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("a", "a"),
        (1, "1"),
        (True, "True"),
        (None, "None"),
        (1.5, "1.5"),
        (Decimal("1.50"), "1.50"),
        (uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (Color.RED, "red"),
        (Level.LOW, "1"),
        (datetime.date(2024, 1, 2), "2024-01-02"),
        (datetime.datetime(2024, 1, 2, tzinfo=datetime.UTC), "2024-01-02T00:00:00+00:00"),
        (datetime.time(12), "12:00:00"),
        (b"a", "61"),
        (PurePosixPath("/a"), "/a"),
        ((1, "a"), "(1,'a')"),
        ({"b": 1}, "{'b':1}"),
    ],
)
def test_values_are_written_as_by_hand(value: Any, text: str) -> None:
    assert text_of(value) == text


def test_numbers_and_texts_of_other_classes_are_numbers_and_texts() -> None:
    class Id(int):
        def __repr__(self) -> str:
            return "nonsense"

    class Name(str):
        def __str__(self) -> str:
            return "nonsense"

    assert text_of(Id(5)) == "5"
    assert text_of(Name("a")) == "a"


def test_an_int_that_python_will_not_print_is_hexadecimal() -> None:
    assert text_of(10**5000) == hex(10**5000)


def test_what_has_no_identity_has_no_text() -> None:
    with pytest.raises(TypeError, match=r"builtins\.object has no identity"):
        text_of(object())
