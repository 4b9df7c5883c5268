"""The suite for authors of serializers, on this one."""

import threading
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import strategies as st

from cachekit.errors import UnreadableError
from cachekit.serializer import Serializer
from cachekit.testing.serializers import SerializerSuite
from cachekit_pickle import PickleSerializer
from tests.entry.strategies import SCALARS, VALUES
from tests.msgpack import shop

KEY = b"\x01" * 32
SHOP: list[Any] = [
    shop.Product(1, Decimal("1.50"), ["a"], (shop.Product(2, Decimal(0)),)),
    shop.Frozen(shop.Color.RED),
    shop.Slotted(1, {2}),
    shop.Page([(2,)]),
    shop.Point(1, [shop.Point(2)]),
    shop.FrozenBox(2, "s", 3),
    shop.Model(id=1, pairs=[(1, "a")]),
    {shop.Level.LOW: (shop.Right.READ | shop.Right.WRITE, shop.Word.YES)},
]


class TestPickle(SerializerSuite):
    values = st.one_of(VALUES, SCALARS.map(lambda value: {"a": [value]}), st.sampled_from(SHOP))
    refused = [(threading.Lock(), "cache the values that it is made of")]
    unreadable = UnreadableError

    @pytest.fixture
    def serializer(self) -> PickleSerializer:
        return PickleSerializer([KEY])


class TestPickleInItsPlace(SerializerSuite):
    values = SHOP
    unreadable = UnreadableError

    @pytest.fixture
    def serializer(self) -> Serializer:
        return PickleSerializer([KEY], "hmac-sha256").bind(b"a key")
