"""What type-checkers make of what authors of plug-ins write. Wrong use is marked by its errors."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, assert_type

import pytest

from cachekit import Cache, Serializer
from cachekit.backend import (
    FORGET_PREFIX,
    LOCAL,
    PEEK,
    Backend,
    ForgetPrefix,
    Found,
    Outcome,
    Peek,
    Unreached,
    Write,
)
from cachekit.bytes_backend import BytesBackend, Put
from cachekit.clock import Clock
from cachekit.testing import FakeClock, FaultyBackend, ReferenceBackend
from cachekit.testing.backends import BackDoor, BackendSuite
from cachekit.testing.serializers import SerializerSuite
from cachekit.testing.simulation.suite import SimulationSuite
from cachekit.threaded import ThreadedBackend


class Shelf(BytesBackend):
    def __init__(self) -> None:
        self.shelf: dict[str, bytes] = {}

    async def get_many(self, keys: Sequence[str]) -> Mapping[str, bytes]:
        return {key: self.shelf[key] for key in keys if key in self.shelf}

    async def put_many(self, puts: Sequence[Put]) -> list[bool]:
        return [put.replaces(self.shelf.get(put.key)) for put in puts]


class Connection:
    def get_many(self, keys: Sequence[str]) -> dict[str, bytes]:
        return {}

    def put_many(self, puts: Sequence[Put]) -> list[bool]:
        return [True for _ in puts]

    def close(self) -> None:
        pass


class Blocking(ThreadedBackend[Connection]):
    def __init__(self) -> None:
        super().__init__(Connection, threads=2)

    async def size(self) -> int:
        return await self.run(lambda connection: len(connection.get_many([])))


class Plain(Backend):
    async def read(self, keys: Sequence[str]) -> Found:
        return {key: Unreached(OSError()) for key in keys}

    async def write(self, writes: Sequence[Write]) -> Sequence[Outcome]:
        return []


class Text:
    id = "text"
    fingerprint = b""

    def dumps(self, value: Any) -> bytes:
        return str(value).encode()

    def loads(self, data: bytes) -> Any:
        return data.decode()


class Door(BackDoor):
    def has(self, key: str) -> bool:
        return False

    def drop(self, key: str) -> None:
        pass


class TestShelf(BackendSuite):
    capabilities = frozenset({FORGET_PREFIX, LOCAL})
    keeps_bytes = False
    short = 1.0

    @pytest.fixture
    def clock(self) -> FakeClock:
        return FakeClock()

    @pytest.fixture
    def backend(self) -> Shelf:
        return Shelf()

    @pytest.fixture
    def another_backend(self) -> Shelf:
        return Shelf()

    @pytest.fixture
    def back_door(self) -> Door:
        return Door()


class TestText(SerializerSuite):
    values = ("a", "b")
    refused = ((1, "str"),)

    @pytest.fixture
    def serializer(self) -> Text:
        return Text()


class TestShelfInTheSimulation(SimulationSuite):
    seeds = range(3)

    @pytest.fixture
    def connect(self) -> Callable[[Clock], Backend]:
        return lambda clock: Shelf()


serializer: Serializer = Text()
Cache(Shelf(), serializer=Text(), namespace="a", disabled=True)
Cache(FaultyBackend(Blocking()), disabled=True)
Cache(ReferenceBackend(clock=FakeClock()), disabled=True)
assert_type(Shelf().capability(PEEK), Peek | None)
assert_type(Plain().capability(FORGET_PREFIX), ForgetPrefix | None)


class HalfADoor(BackDoor):
    def has(self, key: str) -> bool:
        return False


class NoBytes(BytesBackend):
    async def get_many(self, keys: Sequence[str]) -> Mapping[str, str]:  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]
        return {}

    async def put_many(self, puts: Sequence[Write]) -> Sequence[bool]:  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]
        return []


class Blocks(BytesBackend):
    def get_many(self, keys: Sequence[str]) -> Mapping[str, bytes]:  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]
        return {}


class TestWrong(BackendSuite):
    capabilities = {FORGET_PREFIX}  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]
    keeps_bytes = 1.5  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]


def wrong() -> None:
    HalfADoor()  # type: ignore[abstract]  # pyright: ignore[reportAbstractUsage]
    Blocks()  # type: ignore[abstract]  # pyright: ignore[reportAbstractUsage]
    ThreadedBackend(Shelf)  # type: ignore[type-var]  # pyright: ignore[reportArgumentType]
    Cache(Text())  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Cache(serializer=Shelf())  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Shelf().capability("peek")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Put("key", "data", None, 1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
