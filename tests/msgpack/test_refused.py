"""What cannot be carried is an error that names the type and says what to do."""

import array
import re
import threading
from collections import Counter, OrderedDict, UserDict, defaultdict, deque
from collections.abc import Callable
from datetime import datetime, time, timedelta, tzinfo
from decimal import Decimal
from pathlib import PosixPath
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from cachekit.errors import EncodeError
from cachekit_msgpack import MsgpackSerializer
from tests.msgpack import shop

SERIALIZER = MsgpackSerializer()


class Text(str):
    pass


class Number(int):
    pass


class Real(float):
    pass


class Data(bytes):
    pass


class Items(list[int]):
    pass


class Mapped(dict[str, int]):
    pass


class Ordered(OrderedDict[str, int]):
    pass


class Counted(Counter[str]):
    pass


class Moment(datetime):
    pass


class Money(Decimal):
    pass


class Own(tzinfo):
    def utcoffset(self, moment: datetime | None) -> timedelta:
        return timedelta(hours=1)

    def dst(self, moment: datetime | None) -> None:
        return None

    def tzname(self, moment: datetime | None) -> None:
        return None


class Plain:
    pass


def with_attribute(value: Any) -> Any:
    value.note = 1
    return value


def nameless_zone() -> ZoneInfo:
    for key in ("UTC", "Europe/Lisbon"):
        for folder in ("/usr/share/zoneinfo", "/usr/lib/zoneinfo"):
            try:
                with open(f"{folder}/{key}", "rb") as file:
                    return ZoneInfo.from_file(file)
            except OSError:
                continue
    pytest.skip("no zone files")


REFUSED: list[tuple[Any, str]] = [
    (shop.Color.RED, r"shop\.Color is carried only if registered: .*types=\[Color\]"),
    (shop.Level.LOW, r"shop\.Level is carried only if registered"),
    (shop.Word.YES, r"shop\.Word is carried only if registered"),
    (shop.Right.READ, r"shop\.Right is carried only if registered"),
    (shop.Point(1), r"shop\.Point is carried only if registered"),
    (shop.Plain(1, 2), r"shop\.Plain is carried only if registered"),
    (shop.Product(1, Decimal(1)), r"types=\[Product\]\); or .* cachekit_pydantic"),
    (shop.Model(id=1), r"types=\[Model\]\); or .* cachekit_pydantic"),
    (shop.Box(1), r"types=\[Box\]\)$"),
    (Text("a"), r"Text would come back as str: cache str\(value\)"),
    (Number(1), r"Number would come back as int"),
    (Real(1), r"Real would come back as float"),
    (Data(b"a"), r"Data would come back as bytes"),
    (Items([1]), r"Items would come back as list"),
    (Mapped(a=1), r"Mapped would come back as dict"),
    (Ordered(a=1), r"Ordered would come back as OrderedDict"),
    (Counted("a"), r"Counted would come back as Counter"),
    (Moment(2024, 1, 1), r"Moment would come back as datetime"),
    (Money(1), r"Money would come back as Decimal"),
    (with_attribute(OrderedDict()), r"OrderedDict with attributes of its own"),
    (with_attribute(Counter()), r"Counter with attributes of its own"),
    (defaultdict(lambda: 5), r"factory '<lambda>' .*cache dict\(value\)"),
    (defaultdict([].copy), r"factory 'copy' "),
    (defaultdict(Items), r"factory 'Items' "),
    (datetime(2024, 1, 1, tzinfo=Own()), r"time in a .*Own .*zoneinfo"),
    (time(1, tzinfo=Own()), r"time in a .*Own .*zoneinfo"),
    (Own(), r"Own cannot be turned into msgpack"),
    (memoryview(b"a"), r"a memoryview would come back as bytes"),
    (array.array("d"), r"array\.array cannot be turned into msgpack: cache the builtin"),
    (UserDict(a=1), r"UserDict cannot be turned"),
    (Plain(), r"Plain cannot be turned"),
    (Plain, r"builtins\.type cannot be turned"),
    (len, r"builtin_function_or_method cannot be turned"),
    (re.compile("a"), r"re\.Pattern cannot be turned"),
    (ValueError("a"), r"ValueError cannot be turned"),
    (threading.Lock(), r"_thread\.lock cannot be turned"),
    (iter([1]), r"list_iterator cannot be turned"),
    (..., r"ellipsis cannot be turned"),
]

WRAPS: list[Callable[[Any], Any]] = [
    lambda value: value,
    lambda value: [{"a": value}],
    lambda value: (value,),
    lambda value: deque([OrderedDict(a=value)]),
    lambda value: [bytearray(b"a"), value],
]


@pytest.mark.parametrize("wrap", WRAPS)
@pytest.mark.parametrize(("value", "message"), REFUSED, ids=lambda part: type(part).__name__)
def test_it_is_refused_by_name(value: Any, message: str, wrap: Callable[[Any], Any]) -> None:
    with pytest.raises(EncodeError, match=message):
        SERIALIZER.dumps(wrap(value))


@pytest.mark.parametrize("key", [Text("a"), Number(1), shop.Word.YES, shop.Level.LOW, PosixPath])
def test_as_a_key_too(key: Any) -> None:
    with pytest.raises(EncodeError, match=type(key).__name__):
        SERIALIZER.dumps({key: 1})


def test_a_memoryview_as_a_key() -> None:
    for value in ({memoryview(b"a"): 1}, {(memoryview(b"a"),): 1}, {memoryview(b"a")}):
        with pytest.raises(EncodeError, match="memoryview"):
            SERIALIZER.dumps(value)


def test_a_zone_without_a_key() -> None:
    with pytest.raises(EncodeError, match="ZoneInfo with a key"):
        SERIALIZER.dumps(datetime(2024, 1, 1, tzinfo=nameless_zone()))


@pytest.mark.parametrize(
    "wrap",
    [
        lambda inner: [inner],
        lambda inner: {"a": inner},
        lambda inner: (inner,),
        lambda inner: OrderedDict(a=inner),
        lambda inner: deque([inner]),
    ],
)
def test_nested_too_deep(wrap: Callable[[Any], Any]) -> None:
    for leaf in (1, b"a"):
        value = leaf
        for _ in range(100_000):
            value = wrap(value)
        with pytest.raises(EncodeError, match="nested too deep, or in a circle"):
            SERIALIZER.dumps(value)


def test_a_circle() -> None:
    value: list[Any] = [b"a"]
    value.append({"a": (value,)})
    with pytest.raises(EncodeError, match="in a circle"):
        SERIALIZER.dumps(value)


def test_a_class_that_fails_to_tell_its_state_is_named() -> None:
    class Failing(shop.Product):
        def __getstate__(self) -> Any:
            raise RuntimeError("no state today")

    serializer = MsgpackSerializer(types=[Failing])
    with pytest.raises(EncodeError, match="no state today"):
        serializer.dumps([Failing(1, Decimal(1))])
