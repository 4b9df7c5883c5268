"""What would not come back as it is, is refused, with where it is and what to do."""

import re
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from math import inf, nan
from typing import Any, Union
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from pydantic import BaseModel, Field, PrivateAttr, SecretStr

from cachekit.errors import ConfigurationError, EncodeError
from cachekit_msgpack import MsgpackSerializer
from cachekit_pickle import PickleSerializer
from cachekit_pydantic import PydanticSerializer
from tests.typed import shop
from tests.typed.looks import look

EPOCH = datetime(2024, 1, 1)
TOY = shop.Toy(id=1, price=Decimal(1))
PRODUCT = shop.Product(id=1, price=Decimal(1))


class Text(str):
    __slots__ = ()


class Hidden(BaseModel):
    id: int
    secret: str = Field(default="", exclude=True)
    _note: str = PrivateAttr("none")


class Measured(BaseModel):
    ratio: float
    raw: bytes = b""


class Login(BaseModel):
    password: SecretStr


class Late(BaseModel):
    value: UUID | str
    parts: list["Late"] = []


@dataclass
class Plain:
    x: int


def with_note(note: str) -> Hidden:
    made = Hidden(id=1)
    made._note = note
    return made


def with_attribute() -> Plain:
    made = Plain(1)
    vars(made)["more"] = 1
    return made


REFUSED: dict[str, tuple[Any, Any, str]] = {
    "another type": (int, "secret", r"a str cannot be cached as int: .*read again \(int_parsing\)"),
    "another class": (shop.Product, Plain(1), r"Plain cannot be cached as .*Product: a .*missing"),
    "a subclass": (
        list[shop.Product],
        [PRODUCT, TOY],
        r"\[1\]: a tests.typed.shop.Toy would come back as tests.typed.shop.Product; annotate Toy, "
        r"or take serializer=MsgpackSerializer\(types=\[Product, Color, Toy\]\)",
    ),
    "a base that looks like the subclass": (
        shop.Toy | shop.Product,
        PRODUCT,
        "would come back as .*Toy; tell the classes of the union apart by a discriminator",
    ),
    "a subclass in a dataclass": (shop.Order, shop.Order(1, 1, [TOY]), r": lines\[0\]: a .*Toy"),
    "a UUID that is text": (
        Late,
        Late(value="a", parts=[Late(value=str(UUID(int=1)))]),
        r": parts\[0\]\.value: a str would come back as uuid.UUID; annotate exactly",
    ),
    "a tuple for a list": (list[int], (1, 2), "a tuple would come back as list"),
    "a tuple as anything": (Any, {"a": [(1,)]}, r"\['a'\]\[0\]: a tuple would come back as list"),
    "a time as anything": (Any, [EPOCH], r"\[0\]: a datetime.datetime would come back as str"),
    "an enum as anything": (Any, [shop.Color.RED], r"\[0\]: .*Color .* as str.*types=\[Color\]"),
    "keys that are no text": (dict[str, Any], {"a": {1: 2}}, r"\['a'\]: a dict would .* changed"),
    "keys that are equal": (dict[bool | int, int], {1: 1}, "a dict would come back changed"),
    "keys that are one in JSON": (Any, {1: 1, "1": 2}, "a dict would come back changed"),
    "a subclass of text": (str, Text("a"), "Text would come back as str; annotate Text"),
    "text that is no Unicode": (list[str], ["a", "\ud800"], r"\[1\]: a str cannot be written"),
    "no number": (Measured, Measured(ratio=nan), r"ratio: a float .*ser_json_inf_nan=.constants"),
    "infinity": (Measured, Measured(ratio=inf), r"ratio: a float .*ser_json_inf_nan=.constants"),
    "bytes": (
        Measured,
        Measured(ratio=1, raw=b"\xff"),
        r'raw: a bytes cannot be written.*val_json_bytes="base64"',
    ),
    "an excluded field": (
        Hidden,
        Hidden(id=1, secret="x"),
        r"secret: a str would come back changed",
    ),
    "a private attribute": (list[Hidden], [with_note("x")], r"\[0\]\._note: a str would .*changed"),
    "an attribute that is no field": (Plain, with_attribute(), "Plain would come back changed"),
    "a secret": (
        Login,
        Login(password=SecretStr("x")),
        r"annotate what is in the secret, .*PickleSer",
    ),
    "a validator that does more": (shop.Doubling, shop.Doubling(x=1), r"x: an int would .*changed"),
    "a zone": (
        list[datetime],
        [EPOCH.replace(tzinfo=ZoneInfo("Europe/Lisbon"))],
        r"\[0\]: a datetime.datetime would come back changed; take it to UTC or another fixed "
        r"offset, or take serializer=MsgpackSerializer\(\), which keeps zones",
    ),
    "an offset with seconds": (
        datetime,
        EPOCH.replace(tzinfo=timezone(timedelta(seconds=1))),
        "would come back changed; take it to UTC",
    ),
    "the second of two equal times": (datetime, EPOCH.replace(fold=1), "would come back changed"),
    "a bounded deque": (deque[int], deque([1], maxlen=5), "a collections.deque would .* changed"),
    "a TypedDict with more": (shop.Row, {"id": 1, "more": 2}, "a dict would come back changed"),
    "an int that no float is": (float, 2**53 + 1, "an int would come back as float"),
    "a model that was never valid": (
        shop.Product,
        shop.Product.model_construct(id="secret"),
        r"Product: (id: )?a .*read again",
    ),
    "what can be read once": (Iterable[int], iter([1]), r"list_iterator .*cache list\(value\)"),
    "a generator": (Any, (part for part in "ab"), r"a generator .*cache list\(value\)"),
    "a function": (Callable[[], int], int, r"a type cannot be written"),
    "an unknown class": (Any, {"a": [object()]}, r"\['a'\]\[0\]: an object cannot be written"),
    "an arguments of a generic model": (
        shop.Page,
        shop.Page[int](items=[], total=0),
        r"Page\[int\] would come back as tests.typed.shop.Page; annotate Page\[int\],",
    ),
    "nothing": (int, None, "a NoneType cannot be cached as int"),
}


@pytest.mark.parametrize(("annotation", "value", "message"), REFUSED.values(), ids=REFUSED)
def test_it_is_refused(annotation: Any, value: Any, message: str) -> None:
    with pytest.raises(EncodeError, match=message) as refused:
        PydanticSerializer(annotation).dumps(value)
    assert refused.value.__cause__ is refused.value.__context__ is None


INCOMPARABLE = {"an unknown class", "a model that was never valid"}


@pytest.mark.parametrize("name", sorted(REFUSED.keys() - INCOMPARABLE))
def test_a_serializer_that_is_advised_takes_the_value(name: str) -> None:
    annotation, value, _ = REFUSED[name]
    with pytest.raises(EncodeError) as refused:
        PydanticSerializer(annotation).dumps(value)
    if advised := re.search(r"(Msgpack|Pickle)Serializer\(.*?\)", str(refused.value)):
        key = b"a key of 32 bytes for these tests"
        names = {"MsgpackSerializer": MsgpackSerializer, "PickleSerializer": PickleSerializer}
        serializer = eval(advised[0], {**globals(), **vars(shop), **names, "key": key})
        bound = serializer.bind(b"") if hasattr(serializer, "bind") else serializer
        assert look(bound.loads(bound.dumps(value))) == look(value)


SECRETS: list[tuple[Any, Any]] = [
    (int, "hush"),
    (shop.Product, shop.Product.model_construct(id="hush", price="hush")),
    (Login, Login(password=SecretStr("hush"))),
    (Any, ("hush",)),
    (Any, ["hush", object()]),
    (list[str], ["hush\ud800"]),
]


@pytest.mark.parametrize(("annotation", "value"), SECRETS)
def test_no_error_shows_the_value(annotation: Any, value: Any) -> None:
    with pytest.raises(EncodeError) as refused:
        PydanticSerializer(annotation).dumps(value)
    assert "hush" not in str(refused.value)
    assert refused.value.__cause__ is refused.value.__context__ is None


def test_an_iterator_is_not_read() -> None:
    value = iter([1, 2])
    with pytest.raises(EncodeError):
        PydanticSerializer().dumps(value)
    assert list(value) == [1, 2]


@pytest.mark.parametrize("depth", [201, 250, 255, 300, 5_000])
def test_what_pydantic_writes_but_does_not_read(depth: int) -> None:
    lists: Any = 1
    for _ in range(depth):
        lists = [lists]
    tree = shop.Tree(value=1)
    for _ in range(depth // 2):
        tree = shop.Tree.model_construct(value=1, children=[tree])
    with pytest.raises(EncodeError, match="nested deeper than pydantic reads"):
        PydanticSerializer().dumps(lists)
    with pytest.raises(EncodeError, match="nested deeper than pydantic reads"):
        PydanticSerializer(shop.Tree).dumps(tree)


def test_a_circle() -> None:
    tree = shop.Tree(value=1)
    tree.children.append(tree)
    with pytest.raises(EncodeError, match="or in a circle"):
        PydanticSerializer(shop.Tree).dumps(tree)


def test_a_circle_that_is_not_written() -> None:
    class Child(BaseModel):
        parent: Any = Field(default=None, exclude=True)
        toy: Any = None

    child = Child(toy=[object()])
    child.parent = child
    with pytest.raises(EncodeError, match=r"toy\[0\]: an object cannot be written"):
        PydanticSerializer(Child).dumps(child)


class Unknown:
    """Nothing that pydantic understands."""


NOTHING: list[Any] = [Unknown, list[Unknown], Unknown | None, 5, "1 +", ...]


@pytest.mark.parametrize("annotation", NOTHING, ids=str)
def test_what_pydantic_does_not_understand(annotation: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"is nothing that pydantic understands .*; give"):
        PydanticSerializer(annotation)


def test_what_is_not_yet_defined_may_be_later() -> None:
    class Later(BaseModel):
        x: "Missing"  # type: ignore[name-defined]  # noqa: F821

    for annotation in (Later, list[Later], Union[Later, None], "Missing"):  # noqa: UP007
        with pytest.raises(NameError, match="Missing"):
            PydanticSerializer(annotation)
    Later.model_rebuild(_types_namespace={"Missing": int})
    serializer = PydanticSerializer(Later)
    value = Later(x=1)
    assert serializer.loads(serializer.dumps(value)) == value


def test_a_class_that_is_built_late_is_built() -> None:
    class Late(BaseModel, defer_build=True):
        x: int

    serializer = PydanticSerializer(Late)
    assert serializer.loads(serializer.dumps(Late(x=1))) == Late(x=1)


def test_utc_is_the_advice_that_helps() -> None:
    value = datetime(2024, 7, 1, tzinfo=ZoneInfo("Europe/Lisbon")).astimezone(UTC)
    serializer = PydanticSerializer(datetime)
    assert serializer.loads(serializer.dumps(value)) == value
