"""The suite for authors of serializers, on this one, for several types."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from cachekit.errors import UnreadableError
from cachekit.testing.serializers import SerializerSuite
from cachekit_pydantic import PydanticSerializer
from tests.typed import shop
from tests.typed.looks import look


class Typed(SerializerSuite):
    unreadable = UnreadableError

    def equal(self, made: Any, value: Any) -> bool:
        return bool(look(made) == look(value))


class TestPydanticOfAnything(Typed):
    values = [1, -0.0, None, True, "é", [], [1, [2.5]], {"a": [{"b": None}], "": 2**70}]
    refused = [
        ((1,), "annotate exactly"),
        (datetime(2024, 1, 1), "annotate exactly"),
        (shop.Color.RED, "types=[Color]"),
    ]

    @pytest.fixture
    def serializer(self) -> PydanticSerializer:
        return PydanticSerializer()


class TestPydanticOfAModel(Typed):
    values = [
        shop.Product(id=1, price=Decimal("1.50")),
        shop.Product(id=2, price=Decimal(0), weight=-0.0, color=shop.Color.BLUE, tags=["é", ""]),
        shop.Product(id=3, price=Decimal(3), seen=datetime(2024, 1, 1, tzinfo=UTC)),
    ]
    refused = [(shop.Toy(id=1, price=Decimal(1)), "annotate Toy")]

    @pytest.fixture
    def serializer(self) -> PydanticSerializer:
        return PydanticSerializer(shop.Product)


class TestPydanticOfAnyOf(Typed):
    """A union that takes nearly all that there is."""

    values = [
        *(1, 1.5, True, None, "a", [1], {"a": 1}, shop.Tree(value=1), shop.Point(1)),
        *(shop.Slotted(1), shop.Slotted(2, datetime(2024, 1, 1, tzinfo=UTC))),
    ]

    @pytest.fixture
    def serializer(self) -> PydanticSerializer:
        return PydanticSerializer(
            shop.Slotted | shop.Tree | shop.Point | dict[str, int] | list[int] | Any
        )
