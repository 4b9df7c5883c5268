"""What identifies a schema: other when what is read or written is, the same everywhere."""

import copy
import json
import logging
import os
import subprocess
import sys
from collections import deque
from dataclasses import field, make_dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from ipaddress import IPv4Address, IPv6Network
from pathlib import Path, PurePosixPath
from types import ModuleType
from typing import Annotated, Any, Literal, Optional, Union
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from pydantic import AfterValidator, Field, create_model

from cachekit_pydantic import PydanticSerializer
from cachekit_pydantic.schema import fingerprint_of
from tests.typed import shop


def mark(annotation: Any) -> bytes:
    return PydanticSerializer(annotation).fingerprint


def test_it_is_8_bytes() -> None:
    assert len(mark(int)) == len(mark(shop.Containers)) == 8


def model(source: str) -> Any:
    """The class `M` that `source` defines, in a module of its own."""
    module = ModuleType("a_module")
    sys.modules[module.__name__] = module
    try:
        exec(compile(f"{_HEAD}\n{source}", "<a module>", "exec", dont_inherit=True), vars(module))
        module.M.model_rebuild()
    finally:
        del sys.modules[module.__name__]
    return module.M


_HEAD = """
import enum
from dataclasses import dataclass
from typing import *
from pydantic import *
class C(BaseModel):
    z: int
"""

BASE = "class M(BaseModel):\n    a: int\n    b: str = 'x'"
NESTED = (
    "class P(BaseModel):\n    {}\n    more: 'list[P]' = []\nclass M(BaseModel):\n    p: list[P]"
)
DATA = "@dataclass\nclass P:\n    {}\nclass M(BaseModel):\n    p: dict[str, P | None]"
COLOR = "class E(enum.Enum):\n    {}\nclass M(BaseModel):\n    e: E | None = None"
TITLED = "class M(BaseModel):\n    title: {}\n    config: {}\n    metadata: {}\n    ref: {}"
UNION = (
    "class P(BaseModel):\n    kind: Literal['p']\n    x: {}\n"
    "class Q(BaseModel):\n    kind: Literal['q']\n"
    "class M(RootModel[Annotated[P | Q, Field(discriminator='kind')]]):\n    pass"
)
LOOP = (
    "class P(BaseModel):\n    q: 'Q | None' = None\n    x: {}\n"
    "class Q(BaseModel):\n    p: P | None = None\n"
    "class M(BaseModel):\n    p: P\n    q: Q"
)

OTHERS: dict[str, tuple[str, str]] = {
    "a field more": (BASE, f"{BASE}\n    c: int = 0"),
    "a field less": (BASE, "class M(BaseModel):\n    a: int"),
    "a field renamed": (BASE, BASE.replace("a:", "aa:")),
    "a field of another type": (BASE, BASE.replace("int", "float")),
    "a field that may be None": (BASE, BASE.replace("int", "int | None")),
    "another default": (BASE, BASE.replace("'x'", "'y'")),
    "no default": (BASE, BASE.replace(" = 'x'", "")),
    "a constraint": (BASE, BASE.replace("int", "Annotated[int, Field(ge=0)]")),
    "another constraint": (
        BASE.replace("int", "Annotated[int, Field(ge=0)]"),
        BASE.replace("int", "Annotated[int, Field(ge=1)]"),
    ),
    "extra fields": (BASE, f"{BASE}\n    model_config = ConfigDict(extra='allow')"),
    "a config of bytes": (BASE, f"{BASE}\n    model_config = ConfigDict(ser_json_bytes='hex')"),
    "a validator": (BASE, f"{BASE}\n    @field_validator('a')\n    def v(cls, a): return a"),
    "a serializer": (BASE, f"{BASE}\n    @field_serializer('a')\n    def v(self, a): return a"),
    "an excluded field": (BASE, BASE.replace("int", "int = Field(0, exclude=True)")),
    "a nested field more": (NESTED.format("x: int"), NESTED.format("x: int; y: int = 0")),
    "a nested field renamed": (NESTED.format("x: int"), NESTED.format("y: int")),
    "a nested field retyped": (NESTED.format("x: int"), NESTED.format("x: str")),
    "a field of a dataclass more": (DATA.format("x: int"), DATA.format("x: int; y: int = 0")),
    "a field of a dataclass retyped": (DATA.format("x: int"), DATA.format("x: str")),
    "a member more": (COLOR.format("A = 1"), COLOR.format("A = 1; B = 2")),
    "a member renamed": (COLOR.format("A = 1"), COLOR.format("B = 1")),
    "a member of another value": (COLOR.format("A = 1"), COLOR.format("A = '1'")),
    "a member of a union retyped": (UNION.format("int"), UNION.format("str")),
    "in a circle": (LOOP.format("int"), LOOP.format("str")),
    "fields named as pydantic names its own": (
        TITLED.format(*["int"] * 4),
        TITLED.format(*["int"] * 3, "str"),
    ),
    "a field named title": (TITLED.format(*["int"] * 4), TITLED.format("str", *["int"] * 3)),
    "a config of a field named config": (
        TITLED.format(*["int"] * 4),
        TITLED.format("int", "C", "int", "int"),
    ),
    "members that change their values": (
        COLOR.format("A = 1; B = 2"),
        COLOR.format("A = 2; B = 1"),
    ),
    "a private attribute": (BASE, f"{BASE}\n    _p: int = PrivateAttr(1)"),
    "another default of a private attribute": (
        f"{BASE}\n    _p: int = PrivateAttr(1)",
        f"{BASE}\n    _p: int = PrivateAttr(2)",
    ),
    "a class renamed": (BASE, BASE.replace("class M", "class N") + "\nM = N"),
}


@pytest.mark.parametrize(("one", "other"), OTHERS.values(), ids=OTHERS)
def test_a_change_of_what_is_read_or_written_changes_it(one: str, other: str) -> None:
    assert mark(model(one)) != mark(model(other))
    assert mark(list[model(one)]) != mark(list[model(other)])  # type: ignore[misc]
    assert mark(model(one)) == mark(model(one))


TYPES: list[Any] = [
    *(int, float, str, bytes, bool, Decimal, UUID, datetime, Path, None, Any),
    *(list[int], set[int], tuple[int, ...], tuple[int], tuple[int, int], dict[str, int]),
    *(int | str, str | int, int | None, Literal["a"], Literal["a", "b"], Literal[1]),
    *(Literal[shop.Color.RED], Literal[shop.Color.BLUE], shop.Color),
    *(shop.Page[int], shop.Page[str], shop.Page[shop.Page[int]], shop.Box[int], shop.Box[str]),
    *(shop.Product, shop.Toy, list[shop.Product], shop.Pet, shop.Row, shop.Point, shop.Slotted),
    *(shop.Tree, list[shop.Tree], shop.Lazy, shop.Nested, shop.Numbers, shop.Open),
    *(Annotated[str, Field(max_length=5)], Annotated[str, Field(pattern="a")]),
    Annotated[str, Field(pattern="b")],
]


def test_types_differ() -> None:
    marks = {mark(annotation): annotation for annotation in TYPES}
    assert len(marks) == len(TYPES)


DOC = BASE.replace(":\n", ":\n    '''A text.'''\n", 1)
METHOD = BASE + "\n    def m(self): return {}"
VALIDATED = f"{BASE}\n    @field_validator('a')\n    def v(cls, a): return {{}}"
GENERIC = (
    "T = TypeVar('T')\nclass P(BaseModel, Generic[T]):\n    x: T\n"
    "class M(BaseModel):\n    p: P[Annotated[int, Field({})]]"
)
SAME: dict[str, tuple[str, str]] = {
    "a docstring": (BASE, DOC),
    "a description": (BASE, BASE.replace("int", "int = Field(description='An a.')")),
    "a description in an argument": (GENERIC.format(""), GENERIC.format("description='An x.'")),
    "a title": (BASE, f"{BASE}\n    model_config = ConfigDict(title='T')"),
    "a title of a field": (BASE, BASE.replace("int", "int = Field(title='T', examples=[1])")),
    "the body of a method": (METHOD.format(1), METHOD.format(2)),
    "a method": (BASE, METHOD.format(1)),
    "the body of a validator": (VALIDATED.format("a"), VALIDATED.format("-a")),
    "a computed field": (
        BASE,
        f"{BASE}\n    @computed_field\n    @property\n    def c(self) -> int: return 1",
    ),
    "a module": (BASE, f"{BASE}\nM.__module__ = 'another'"),
    "an alias": (BASE, BASE.replace("int", "int = Field(alias='A')")),
    "an alias of one way": (BASE, BASE.replace("int", "int = Field(validation_alias='A')")),
    "the order of members": (COLOR.format("A = 1; B = 2"), COLOR.format("B = 2; A = 1")),
    "the order of fields": (BASE, "class M(BaseModel):\n    b: str = 'x'\n    a: int"),
    "Optional": (BASE.replace("int", "int | None"), BASE.replace("int", "Optional[int]")),
    "a forward reference": (BASE.replace("int", "C"), BASE.replace("int", "'C'")),
}


@pytest.mark.parametrize(("one", "other"), SAME.values(), ids=SAME)
def test_what_does_not_matter_does_not_change_it(one: str, other: str) -> None:
    assert mark(model(one)) == mark(model(other))


def test_how_a_type_is_spelled_does_not_matter() -> None:
    assert mark(Optional[int]) == mark(Union[int, None]) == mark(int | None)  # noqa: UP007, UP045
    assert mark(list[Annotated[int, "a note"]]) == mark(list[int])


USED_BEFORE = """
class P(BaseModel):
    model_config = ConfigDict(defer_build=True)
    c: C
    more: 'P | None' = None
class M(BaseModel):
    c: C
    p: P
    q: list[P]
"""


def test_what_was_made_of_its_parts_before_does_not_matter() -> None:
    fresh, used = model(USED_BEFORE), model(USED_BEFORE)
    part = used.model_fields["p"].annotation
    mark(part)
    mark(list[part])  # type: ignore[valid-type]
    assert mark(fresh) == mark(used)
    assert mark(used) == mark(used)


def positive(number: int) -> int:
    return number


def test_no_address_is_in_it() -> None:
    def made() -> Any:
        def positive(number: int) -> int:
            return number

        return shop.Page[Annotated[int, AfterValidator(positive)]]

    assert mark(made()) == mark(made())


def test_defaults_that_are_objects() -> None:
    def made(default: Any) -> Any:
        return create_model("Made", x=(Any, default))

    assert mark(made(object())) == mark(made(object()))
    assert mark(made(shop.Frozen(id=1))) != mark(made(shop.Frozen(id=2)))
    assert mark(made([1, {2}])) != mark(made([1, {3}]))
    circle: list[Any] = []
    circle.append(circle)
    assert mark(made(circle)) != mark(made([]))


PAIRS: list[tuple[Any, Any]] = [
    (date(2020, 1, 1), date(2026, 1, 1)),
    (datetime(2020, 1, 1), datetime(2020, 1, 1, tzinfo=UTC)),
    (datetime(2020, 1, 1, tzinfo=UTC), datetime(2020, 1, 1, tzinfo=timezone(timedelta(hours=1)))),
    (time(1), time(2)),
    (timedelta(1), timedelta(2)),
    (UTC, timezone(timedelta(hours=1))),
    (ZoneInfo("UTC"), ZoneInfo("Europe/Lisbon")),
    (UUID(int=1), UUID(int=2)),
    (Decimal("1.0"), Decimal("1.00")),
    (Fraction(1, 2), Fraction(1, 3)),
    (1j, 2j),
    (range(1), range(2)),
    (bytearray(b"a"), bytearray(b"b")),
    (IPv4Address("127.0.0.1"), IPv4Address("127.0.0.2")),
    (IPv6Network("::/0"), IPv6Network("::/1")),
    (PurePosixPath("a"), PurePosixPath("b")),
    (shop.Slotted(1), shop.Slotted(2)),
    (shop.Order(1, 1), shop.Order(1, 1, [shop.Product(id=1, price=Decimal(1))])),
    (frozenset({(1, 2)}), frozenset({(1, 3)})),
    (deque([1]), deque([2])),
]


@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_a_default_or_a_bound_counts_by_its_value(one: Any, other: Any) -> None:
    def made(default: Any) -> Any:
        return create_model("Made", x=(Any, Field(default=default, exclude=True)))

    assert mark(made(one)) != mark(made(other))
    assert mark(made(one)) == mark(made(copy.deepcopy(one)))
    assert mark(made([{"a": one}])) != mark(made([{"a": other}]))


@pytest.mark.parametrize("kind", ["enum", "model", "list"])
def test_a_default_that_looks_like_a_schema(kind: str) -> None:
    one, other = ({"type": kind, "x": number} for number in (1, 2))
    assert mark(create_model("Made", x=(Any, one))) != mark(create_model("Made", x=(Any, other)))


def test_a_bound_that_is_a_date() -> None:
    one, other = (Annotated[date, Field(gt=date(year, 1, 1))] for year in (2020, 2021))
    assert mark(one) != mark(other)


class Remembering:
    """A validator that keeps what it saw."""

    def __init__(self) -> None:
        self.seen: list[int] = []

    def __call__(self, number: int) -> int:
        self.seen.append(number)
        return number


def test_what_objects_remember_is_not_in_it() -> None:
    remembering, logger = Remembering(), logging.getLogger("tests.typed")
    kept = shop.Product(id=1, price=Decimal(1))
    checked = Annotated[int, AfterValidator(remembering)]
    made = create_model("Made", x=checked, y=(Any, logger), z=(Any, kept))
    before = mark(made)
    made(x=1)
    logging.getLogger("tests.typed.another")
    assert remembering.seen
    assert kept.slow
    assert mark(made) == before


def test_an_object_that_cannot_be_looked_at_is_named() -> None:
    class Unset:
        @property
        def __dict__(self) -> Any:  # type: ignore[override]
            raise RuntimeError("not configured")

        @property  # type: ignore[misc]
        def __class__(self) -> Any:
            raise RuntimeError("not configured")

    assert mark(create_model("Made", x=(Any, Field(default_factory=Unset)))) != mark(int)
    assert fingerprint_of({"type": "default", "default": Unset()})


def test_fields_of_a_dataclass_that_is_no_model() -> None:
    one = make_dataclass("Made", [("x", int)])
    other = make_dataclass("Made", [("x", int, field(default=1))])
    assert mark(one) != mark(other)


def elsewhere(program: str, seed: str) -> Any:
    """What `program` prints as JSON in a fresh process, with other hashes of text."""
    done = subprocess.run(
        [sys.executable, "-c", program],
        check=True,
        env={**os.environ, "PYTHONHASHSEED": seed},
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    return json.loads(done.stdout)


MARKS = """
import json
from tests.typed.test_fingerprint import TYPES, mark
print(json.dumps([mark(annotation).hex() for annotation in TYPES]))
"""


def test_another_process_says_the_same() -> None:
    here = [mark(annotation).hex() for annotation in TYPES]
    assert elsewhere(MARKS, "1" if os.environ.get("PYTHONHASHSEED") != "1" else "2") == here
