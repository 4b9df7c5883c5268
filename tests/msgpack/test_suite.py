"""The suite for authors of serializers, on this one."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import strategies as st

from cachekit.errors import UnreadableError
from cachekit.testing.serializers import SerializerSuite
from cachekit_msgpack import MsgpackSerializer
from tests.entry.strategies import SCALARS, VALUES
from tests.msgpack import shop

TEXT = st.text(st.characters(exclude_categories=()))
SHOP: list[Any] = [
    shop.Product(1, Decimal("1.50"), ["a"], (shop.Product(2, Decimal(0)),)),
    shop.Frozen(shop.Color.RED),
    shop.Slotted(1, {2}),
    shop.Page([(2,)]),
    shop.Point(1, [shop.Point(2)]),
    shop.FrozenBox(2, "s", 3),
    shop.Model(id=1, pairs=[(1, "a")]),
    shop.Checked(1, [2]),
    {shop.Level.LOW: (shop.Right.READ | shop.Right.WRITE, shop.Word.YES)},
]


class TestMsgpack(SerializerSuite):
    values = st.one_of(VALUES, TEXT, SCALARS.map(lambda value: {"a": [value]}))
    refused = [(shop.Product(1, Decimal(1)), "types=[Product]"), (memoryview(b"a"), "bytes(value)")]
    unreadable = UnreadableError

    @pytest.fixture
    def serializer(self) -> MsgpackSerializer:
        return MsgpackSerializer()


class TestMsgpackOfRegisteredClasses(SerializerSuite):
    values = SHOP
    unreadable = UnreadableError

    @pytest.fixture
    def serializer(self) -> MsgpackSerializer:
        return MsgpackSerializer(shop.ALL)
