"""Serializers that are wrong in one way each, and what their authors would run on them.

`test_serializers` runs this file, and says which tests must fail.
"""

import gzip
import hashlib
import importlib
import json
import os
import pickle
import time
from typing import Any

import msgpack  # type: ignore[import-untyped]
import pytest

from cachekit.errors import EncodeError, UnreadableError
from cachekit.testing.serializers import SerializerSuite
from cachekit_msgpack import MsgpackSerializer


class Honest:
    """Right, for want of a lie."""

    id = "honest"
    fingerprint = b""

    def __init__(self) -> None:
        self._inner = MsgpackSerializer()

    def dumps(self, value: Any) -> bytes:
        return self._inner.dumps(value)

    def loads(self, data: bytes) -> Any:
        return self._inner.loads(data)


class Pickles(Honest):
    def dumps(self, value: Any) -> bytes:
        return pickle.dumps(value)

    def loads(self, data: bytes) -> Any:
        return pickle.loads(data)


class PicklesBehindAByte(Honest):
    def loads(self, data: bytes) -> Any:
        return pickle.loads(data[1:]) if data[:1] == b"\xc0" and data[1:] else super().loads(data)


def import_named(name: Any) -> None:
    if type(name) is str:
        importlib.import_module(name.partition(".")[0])


class ImportsNames(Honest):
    def loads(self, data: bytes) -> Any:
        made = super().loads(data)
        import_named(made)
        return made


class ImportsNamesInMaps(Honest):
    def loads(self, data: bytes) -> Any:
        made = super().loads(data)
        import_named(made.get("type") if type(made) is dict else None)
        return made


class ImportsNamesInJson(Honest):
    """In its objects."""

    def dumps(self, value: Any) -> bytes:
        return json.dumps(value, default=repr).encode()

    def loads(self, data: bytes) -> Any:
        made = json.loads(data)
        import_named(made.get("type") if type(made) is dict else None)
        return made


class DropsTuples(Honest):
    def dumps(self, value: Any) -> bytes:
        return super().dumps(list(value) if type(value) is tuple else value)


class TakesEverything(Honest):
    def dumps(self, value: Any) -> bytes:
        try:
            return super().dumps(value)
        except EncodeError:
            return super().dumps(repr(value))


class RaisesWhatItLikes(Honest):
    def dumps(self, value: Any) -> bytes:
        try:
            return super().dumps(value)
        except EncodeError as error:
            raise TypeError(str(error)) from error


class SaysNothing(Honest):
    def dumps(self, value: Any) -> bytes:
        try:
            return super().dumps(value)
        except EncodeError as error:
            raise EncodeError(f"cannot encode {type(value).__name__}") from error


class HashesItsSchema(Honest):
    fingerprint = (hash("schema") % 2**64).to_bytes(8, "big")


class CountsItsValues(Honest):
    def __init__(self) -> None:
        super().__init__()
        self._count = 0

    def dumps(self, value: Any) -> bytes:
        self._count += 1
        return super().dumps(value)

    @property
    def fingerprint(self) -> bytes:  # type: ignore[override]
        return self._count.to_bytes(8, "big")


class IsCalledTooMuch(Honest):
    id = "n" * 33
    fingerprint = b"f" * 17


class SharesABuffer(Honest):
    def __init__(self) -> None:
        super().__init__()
        self._buffer = bytearray()

    def dumps(self, value: Any) -> bytes:
        self._buffer.clear()
        for byte in super().dumps(value):
            self._buffer.append(byte)
            time.sleep(0)  # another thread's turn
        return bytes(self._buffer)


class Remembers(Honest):
    def __init__(self) -> None:
        super().__init__()
        self._made: dict[bytes, Any] = {}

    def loads(self, data: bytes) -> Any:
        return self._made.setdefault(data, super().loads(data))


class Reverses(Honest):
    def dumps(self, value: Any) -> bytes:
        data = super().dumps(value)
        if type(value) is list:
            value.reverse()
        return data


class BelievesLengths(Honest):
    def loads(self, data: bytes) -> Any:
        if data[:1] == b"\xc6":
            bytearray(int.from_bytes(data[1:5], "big"))
        return super().loads(data)


class ListsWhatIsWrong(Honest):
    """Keeps a line of text on each item that it does not like."""

    def loads(self, data: bytes) -> Any:
        made = super().loads(data)
        items: list[Any] = made if type(made) is list else []
        wrong = [f"{at} is empty".ljust(500) for at, item in enumerate(items) if not item]
        if len(wrong) > 1000:
            raise UnreadableError("\n".join(wrong))
        return made


class Recurses(Honest):
    """Crashes where a C parser without a limit would."""

    def loads(self, data: bytes) -> Any:
        if data.startswith(b"\x91" * 10_000):
            os.abort()
        return super().loads(data)


class CountsTo(Honest):
    def loads(self, data: bytes) -> Any:
        while data[:1] == b"\xc1":
            pass
        return super().loads(data)


class Exits(Honest):
    def loads(self, data: bytes) -> Any:
        if not data:
            raise SystemExit
        return super().loads(data)


class ReadsHalf(Honest):
    """Raises other errors than it promises."""

    def loads(self, data: bytes) -> Any:
        return msgpack.unpackb(data) if data[:1] == b"\xc1" else super().loads(data)


class Expands(Honest):
    def loads(self, data: bytes) -> Any:
        return super().loads(gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data)


class WritesDeeperThanItReads(Honest):
    """By two levels."""

    def dumps(self, value: Any) -> bytes:
        data = super().dumps(value)
        if data[:500] == b"\x91" * 500:
            raise EncodeError("nested too deep")
        return data

    def loads(self, data: bytes) -> Any:
        if data[:498] == b"\x91" * 498:
            raise UnreadableError("nested too deep")
        return super().loads(data)


class LosesTheDepth(Honest):
    def loads(self, data: bytes) -> Any:
        return super().loads(data[1:] if data[:301] == b"\x91" * 301 else data)


class StraightensCircles(Honest):
    def dumps(self, value: Any) -> bytes:
        return super().dumps({} if type(value) is dict and value in value.values() else value)


class BindsToNothing(Honest):
    def bind(self, context: bytes) -> Honest:
        return self


class SignsTheContextOnly(Honest):
    """The one of an entry."""

    def __init__(self, context: bytes = b"") -> None:
        super().__init__()
        self._code = hashlib.sha256(context).digest()

    def bind(self, context: bytes) -> Honest:
        return SignsTheContextOnly(context)

    def dumps(self, value: Any) -> bytes:
        return self._code + super().dumps(value)

    def loads(self, data: bytes) -> Any:
        if data[:32] != self._code:
            raise UnreadableError("another entry's")
        return super().loads(data[32:])


class SignsNoBorder(Honest):
    """Between the context of an entry and its bytes."""

    def __init__(self, context: bytes = b"") -> None:
        super().__init__()
        self._context = context

    def bind(self, context: bytes) -> Honest:
        return SignsNoBorder(context)

    def dumps(self, value: Any) -> bytes:
        data = super().dumps(value)
        return hashlib.sha256(self._context + data).digest() + data

    def loads(self, data: bytes) -> Any:
        if data[:32] != hashlib.sha256(self._context + data[32:]).digest():
            raise UnreadableError("another entry's")
        return super().loads(data[32:])


class NamesItsEntry(Honest):
    def bind(self, context: bytes) -> Honest:
        one = Honest()
        one.id = f"honest{len(context)}"
        return one


class DropsWhatItBinds(Honest):
    def bind(self, context: bytes) -> Honest:
        return DropsTuples()


class TestLiars(SerializerSuite):
    values = [None, 1, "a", [1, 2], {"a": [3]}, b"b", (1,), {"type": "json"}]
    refused = [(memoryview(b"a"), "bytes(value)")]
    unreadable = UnreadableError
    seconds = 2.0

    @pytest.fixture(params=Honest.__subclasses__(), ids=lambda liar: liar.__name__)
    def serializer(self, request: pytest.FixtureRequest) -> Honest:
        made: Honest = request.param()
        return made
