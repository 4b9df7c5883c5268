"""The suite for authors of serializers, on this one."""

from datetime import UTC, datetime
from enum import IntEnum
from typing import Any

import pytest

from cachekit.errors import UnreadableError
from cachekit.testing.serializers import SerializerSuite
from cachekit_orjson import OrjsonSerializer
from tests.orjson.values import VALUES


class Level(IntEnum):
    LOW = 1


REFUSED: list[tuple[Any, str]] = [
    ((1,), 'serializer="msgpack" carries it'),
    (datetime(2024, 1, 1, tzinfo=UTC), 'serializer="msgpack" carries it'),
    (Level.LOW, "MsgpackSerializer(types=[Level])"),
]


class TestOrjson(SerializerSuite):
    values = VALUES
    refused = REFUSED
    unreadable = UnreadableError

    @pytest.fixture
    def serializer(self) -> OrjsonSerializer:
        return OrjsonSerializer()
