"""Bytes with many things wrong: what is taken to say so does not grow with their number."""

from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, NamedTuple

import pytest
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Json,
    TypeAdapter,
    ValidationError,
    with_config,
)
from pydantic.dataclasses import dataclass as pydantic_dataclass
from typing_extensions import TypedDict

from cachekit.errors import UnreadableError
from cachekit.testing.child import Call, trouble
from cachekit.testing.harmless import was_read
from cachekit_pydantic import PydanticSerializer
from tests.typed import shop
from tests.typed.looks import look

FORBID = ConfigDict(extra="forbid")
SIZE = 2**20
MEMORY = 128 * 2**20
"""Of which what is parsed takes 64, if it is 4 MB of small items."""


class Strict(BaseModel, extra="forbid"):
    x: int = 0


class Loose(BaseModel, extra="allow"):
    __pydantic_extra__: dict[str, int]  # pyright: ignore[reportIncompatibleVariableOverride]
    x: int = 0


class Holder(BaseModel):
    """What is nested has a validator of its own that pydantic could take as it is."""

    numbers: list[int] = []
    strict: Strict | None = None


class Numbered(BaseModel):
    """Stands for `Strict` where that does not fit."""

    x: str


@pydantic_dataclass(config=FORBID)
class StrictData:
    x: int = 0


@dataclass
class Data:
    numbers: list[int]


@with_config(FORBID)
class StrictRow(TypedDict, total=False):
    x: int


class Row(TypedDict):
    numbers: dict[str, int]


def items(item: str) -> bytes:
    return b"[" + b",".join([item.encode()] * (SIZE // (len(item) + 1))) + b"]"


def members(value: str) -> bytes:
    return b"{" + b",".join(b'"k%d":%b' % (at, value.encode()) for at in range(SIZE // 13)) + b"}"


def inside(name: str, data: bytes) -> bytes:
    return b'{"%b":%b}' % (name.encode(), data)


TEXTS, OBJECTS, MEMBERS = items('"a"'), items("{}"), members('"a"')
KINDS: list[Any] = [
    *(list[int], set[int], frozenset[int], tuple[int, ...], deque[int], Sequence[int]),
    *(list[int] | None, list[int] | set[int], list[list[int]], tuple[list[int], list[int]]),
]
MAPPINGS: list[Any] = [
    *(dict[str, int], dict[int, Any], Mapping[str, int], OrderedDict[str, int], Counter[str]),
    *(defaultdict[str, int], Strict, Loose, StrictData, StrictRow, Strict | StrictData | Numbered),
    *(shop.Point, shop.Point | Strict),
]
MANY: list[tuple[Any, bytes]] = [
    *((kind, TEXTS) for kind in KINDS),
    *((kind, MEMBERS) for kind in MAPPINGS),
    (list[shop.Cat | shop.Dog], OBJECTS),
    (list[shop.Pet], OBJECTS),
    (shop.Nested, inside("a", OBJECTS)),
    (Holder, inside("numbers", TEXTS)),
    (Holder, inside("strict", MEMBERS)),
    (list[Holder], b"[" + inside("numbers", TEXTS) + b"]"),
    (dict[str, Holder | Data], inside("a", inside("numbers", TEXTS))),
    (Data, inside("numbers", TEXTS)),
    (Row, inside("numbers", MEMBERS)),
    (shop.Tree, inside("children", OBJECTS)),
    (shop.Page[int], inside("items", TEXTS)),
    (shop.Numbers, TEXTS),
    (Json[list[int]], b'"' + TEXTS.replace(b'"', b'\\"') + b'"'),
    (list[int], b"[" + b'"x",' * 10**6 + b"1]"),
]


def test_it_takes_little_memory_and_time() -> None:
    calls = (
        Call(f"{annotation} of {data[:20]!r}", partial(serializer.loads, data), was_read)
        for annotation, data in MANY
        for serializer in [PydanticSerializer(annotation)]
    )
    assert not trouble(calls, UnreadableError, 2, MEMORY)


def errors_of(read: Callable[[], Any]) -> int:
    with pytest.raises(ValidationError) as invalid:
        read()
    return invalid.value.error_count()


@pytest.mark.parametrize(("annotation", "data"), MANY, ids=lambda part: str(part)[:40])
def test_few_errors_are_collected(annotation: Any, data: bytes) -> None:
    assert errors_of(partial(PydanticSerializer(annotation)._made, data)) < 10


def test_a_validator_that_collects_them_itself() -> None:
    def validated(data: Any) -> Any:
        return TypeAdapter(list[int]).validate_python(data)

    serializer = PydanticSerializer(Annotated[Any, AfterValidator(validated)])
    with pytest.raises(UnreadableError, match=r": \d+ errors$"):
        serializer.loads(TEXTS)


class Named(NamedTuple):
    x: int
    y: float = 0.5


class Nests(BaseModel):
    point: Named | list[int]
    again: "list[Nests]" = []


class Keyed(BaseModel, extra="allow"):
    x: int = 0


TAKEN: list[tuple[Any, Any]] = [
    (Strict, Strict(x=1)),
    (StrictData, StrictData(x=1)),
    (StrictRow, {"x": 1}),
    (list[StrictRow], [{}, {"x": 1}]),
    (Loose, Loose(x=1, y=2)),  # type: ignore[call-arg]
    (list[Strict | Keyed], [Strict(x=1), Keyed(y=1)]),  # type: ignore[call-arg]
    (list[Strict | Loose], [Strict(x=1), Loose(y=1)]),  # type: ignore[call-arg]
    (Named, Named(1)),
    (Nests, Nests(point=Named(1, 2), again=[Nests(point=[1, 2, 3])])),
    (dict[str, Holder], {"a": Holder(numbers=[1], strict=Strict())}),
]


@pytest.mark.parametrize(("annotation", "value"), TAKEN, ids=str)
def test_what_is_right_is_taken(annotation: Any, value: Any) -> None:
    serializer = PydanticSerializer(annotation)
    assert look(serializer.loads(serializer.dumps(value))) == look(value)


NOT_TAKEN: list[tuple[Any, bytes]] = [
    (Strict, b'{"x":1,"y":1}'),
    (StrictData, b'{"x":1,"y":1}'),
    (StrictRow, b'{"x":1,"y":1}'),
    (Loose, b'{"x":1,"y":"a"}'),
    (Loose, b'{"x":1,"y":1,"z":null}'),
    (Holder, b'{"strict":{"x":1,"y":1}}'),
    (Named, b"[1,2,3]"),
    (Named, b"[]"),
    (Named, b'["a"]'),
]


@pytest.mark.parametrize(("annotation", "data"), NOT_TAKEN)
def test_what_is_wrong_is_not(annotation: Any, data: bytes) -> None:
    with pytest.raises(UnreadableError):
        PydanticSerializer(annotation).loads(data)


def test_a_default_that_looks_like_a_schema_is_left_alone() -> None:
    class Schemas(BaseModel):
        x: Any = {"type": "list", "schema": {"type": "dict"}}
        type: str = "list"

    made = PydanticSerializer(Schemas).loads(b"{}")
    assert made.x == {"type": "list", "schema": {"type": "dict"}}
    assert made == Schemas()
