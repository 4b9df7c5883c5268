"""Bytes that are no value of the type are an error that shows nothing of them."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cachekit.errors import UnreadableError
from cachekit_pydantic import PydanticSerializer
from tests.typed import shop
from tests.typed.test_round_trip import PRODUCTS

HOSTILE: dict[str, tuple[Any, bytes]] = {
    "nothing": (Any, b""),
    "half": (Any, b'{"a": "hush'),
    "two values": (Any, b'"hush" "hush"'),
    "no UTF-8": (Any, b'"hush\xff"'),
    "no JSON": (Any, b"hush"),
    "another type": (int, b'"hush"'),
    "a field less": (shop.Product, b'{"id": "hush"}'),
    "no member": (shop.Color, b'"hush"'),
    "no class of the union": (shop.Pet, b'{"kind": "hush"}'),
    "what breaks a constraint": (shop.Product, b'{"id": 1, "price": "-1"}'),
    "a key that is none": (dict[int, int], b'{"hush": 1}'),
    "too deep": (Any, b"[" * 202 + b"]" * 202),
    "far too deep": (Any, b"[" * 100_000),
    "an alias for a name": (shop.Maker, b'{"makerName": "hush", "founded": "1900-01-01"}'),
}


@pytest.mark.parametrize(("annotation", "data"), HOSTILE.values(), ids=HOSTILE)
def test_it_is_an_error_that_shows_nothing(annotation: Any, data: bytes) -> None:
    with pytest.raises(UnreadableError, match=r"^not the JSON of .+: .+") as unreadable:
        PydanticSerializer(annotation).loads(data)
    assert "hush" not in str(unreadable.value)
    assert len(str(unreadable.value)) < 200
    assert unreadable.value.__cause__ is unreadable.value.__context__ is None


def test_what_is_said() -> None:
    with pytest.raises(UnreadableError) as unreadable:
        PydanticSerializer(list[shop.Product]).loads(b'[{"id": "hush"}]')
    assert str(unreadable.value) == (
        "not the JSON of list[tests.typed.shop.Product]: 2 errors, the first is int_parsing"
    )


@settings(max_examples=25, deadline=None)
@given(PRODUCTS, st.data())
def test_a_truncation(value: Any, data: st.DataObject) -> None:
    serializer = PydanticSerializer(shop.Product)
    made = serializer.dumps(value)
    end = data.draw(st.integers(0, len(made) - 1))
    with pytest.raises(UnreadableError):
        serializer.loads(made[:end])
