"""Classes that a user registers."""

from collections import namedtuple
from dataclasses import InitVar, dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import Enum, Flag, IntEnum, IntFlag, StrEnum
from functools import cached_property
from typing import Annotated, Any, ClassVar, Generic, Literal, NamedTuple, TypeVar

import attrs
import pydantic
from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, RootModel, field_validator
from pydantic.dataclasses import dataclass as pydantic_dataclass

T = TypeVar("T")


class Color(Enum):
    RED = 1
    CRIMSON = 1  # noqa: PIE796
    BLUE = ["unhashable"]
    NONE = None


class Level(IntEnum):
    LOW = 1
    HIGH = 2


class Word(StrEnum):
    YES = "yes"


class Right(Flag):
    READ = 1
    WRITE = 2


class Mode(IntFlag):
    A = 1
    B = 2


@dataclass
class Product:
    id: int
    price: Decimal
    tags: list[str] = field(default_factory=list)
    parts: "tuple[Product, ...]" = ()


@dataclass(frozen=True)
class Frozen:
    color: Color
    when: datetime | None = None


@dataclass(frozen=True, slots=True)
class Slotted:
    x: int
    y: set[int]


@dataclass
class Derived(Product):
    extra: dict[str, Any] = field(default_factory=dict)


@dataclass
class Worked:
    """What `__init__` and `__post_init__` do must not be done again."""

    factor: InitVar[int]
    kind: ClassVar[str] = "worked"
    total: int = field(init=False)
    unset: int = field(init=False)
    hidden: int = field(default=0, repr=False, compare=False)

    def __post_init__(self, factor: int) -> None:
        self.total = factor * 2
        self.note = ("not", "a field")

    @cached_property
    def slow(self) -> list[int]:
        return [self.total]


@dataclass
class Page(Generic[T]):
    items: list[T]


@dataclass
class Empty:
    pass


@dataclass
class Picky:
    """Says itself what is kept of it."""

    items: list[int]

    def __post_init__(self) -> None:
        self.lock = object()

    def __getstate__(self) -> dict[str, Any]:
        return {"kept": self.items}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.items = state["kept"]
        self.lock = object()


class Point(NamedTuple):
    x: int
    y: object = None


Plain = namedtuple("Plain", "left right")


class OpenPoint(Point):
    """Has a `__dict__`."""


@dataclass(eq=False)
class Bare:
    """All its state is in a slot."""

    __slots__ = ("x",)
    x: int


def double(width: int) -> int:
    return width * 2


@attrs.define
class Box:
    width: int = attrs.field(converter=double)
    _secret: str = ""


@attrs.frozen
class FrozenBox(Box):
    depth: int = attrs.field(default=1, validator=attrs.validators.instance_of(int))


@attrs.define(slots=False)
class OpenBox:
    items: list[int]


class Model(BaseModel):
    model_config = ConfigDict(extra="allow")

    id: int
    name: str = "none"
    born: date | None = None
    amount: Annotated[Decimal, Field(ge=0)] = Decimal(0)
    kind: Literal["a", "b"] = "a"
    pairs: list[tuple[int, str]] = []
    _hits: list[int] = PrivateAttr(default_factory=list)

    @field_validator("name")
    @classmethod
    def shout(cls, name: str) -> str:
        return name.upper() + "!"


class Nested(BaseModel):
    model: Model
    more: dict[str, "Nested"] = {}


class GenericModel(BaseModel, Generic[T]):
    items: list[T]


class Root(RootModel[list[int]]):
    pass


class FrozenModel(BaseModel):
    model_config = ConfigDict(frozen=True)

    x: int


@pydantic_dataclass
class Checked:
    x: int
    items: list[int] = pydantic.Field(default_factory=list)


ALL: tuple[type[Any], ...] = (
    *(Color, Level, Word, Right, Mode),
    *(Product, Frozen, Slotted, Derived, Worked, Page, Empty, Picky, Bare),
    *(Point, Plain, Box, FrozenBox, OpenBox),
    *(Model, Nested, GenericModel, GenericModel[int], Root, FrozenModel, Checked),
)
