"""Types that a user annotates."""

from collections import Counter, OrderedDict, defaultdict, deque
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum, IntEnum, StrEnum
from fractions import Fraction
from functools import cached_property
from ipaddress import IPv4Address, IPv6Network
from pathlib import Path
from typing import Annotated, Any, Generic, Literal, NamedTuple, NotRequired, TypeVar
from uuid import UUID

from annotated_types import Gt
from pydantic import (
    AnyUrl,
    BaseModel,
    ConfigDict,
    Field,
    PrivateAttr,
    RootModel,
    computed_field,
    field_validator,
)
from pydantic.dataclasses import dataclass as pydantic_dataclass
from typing_extensions import TypedDict

T = TypeVar("T")


class Color(Enum):
    RED = "red"
    BLUE = "blue"


class Level(IntEnum):
    LOW = 1
    HIGH = 2


class Word(StrEnum):
    YES = "yes"


class Maker(BaseModel):
    """Has an alias for each of its fields."""

    name: str = Field(alias="makerName")
    since: date = Field(validation_alias="founded", serialization_alias="start")


class Product(BaseModel):
    id: int
    price: Decimal = Field(ge=0)
    weight: float = 0.0
    color: Color = Color.RED
    tags: list[str] = []
    maker: Maker | None = None
    seen: datetime | None = None
    _hits: int = PrivateAttr(0)

    @computed_field  # type: ignore[prop-decorator]
    @property
    def label(self) -> str:
        return f"#{self.id}"

    @cached_property
    def slow(self) -> list[int]:
        return [self.id]


class Toy(Product):
    age: int = 3


class Scalars(BaseModel):
    model_config = ConfigDict(
        ser_json_inf_nan="constants", ser_json_bytes="base64", val_json_bytes="base64"
    )

    flag: bool
    number: int
    real: float
    text: str
    raw: bytes
    amount: Decimal
    day: date
    clock: time
    moment: datetime
    span: timedelta
    uid: UUID
    path: Path
    address: IPv4Address
    network: IPv6Network
    wave: complex
    color: Color
    level: Level
    word: Word
    kind: Literal["a", 1, None]


class Containers(BaseModel):
    numbers: list[int]
    pair: tuple[int, str]
    many: tuple[float, ...]
    some: set[int]
    frozen: frozenset[str]
    by_number: dict[int, Decimal]
    by_day: dict[date, list[UUID]]
    queue: deque[int]
    ordered: OrderedDict[str, int]
    counted: Counter[str]
    grouped: defaultdict[str, list[int]]
    part: Fraction


class Cat(BaseModel):
    kind: Literal["cat"] = Field("cat", alias="Kind")
    lives: int


class Dog(BaseModel):
    kind: Literal["dog"] = Field("dog", alias="Kind")
    tricks: list[str]


Pet = Annotated[Cat | Dog, Field(discriminator="kind")]


class Tree(BaseModel):
    value: int
    children: "list[Tree]" = []


class Page(BaseModel, Generic[T]):
    items: list[T]
    total: int


class Open(BaseModel):
    """Takes what it has no field for."""

    model_config = ConfigDict(extra="allow")

    id: int


class Numbers(RootModel[list[int]]):
    pass


class Lazy(BaseModel):
    model_config = ConfigDict(defer_build=True)

    id: int
    more: "Lazy | None" = None


class Frozen(BaseModel):
    model_config = ConfigDict(frozen=True)

    id: int


@dataclass
class Order:
    id: int
    total: float
    lines: list[Product] = field(default_factory=list)
    hidden: int = field(default=0, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Slotted:
    x: int
    when: datetime | None = None


@dataclass
class Box(Generic[T]):
    content: T
    inner: "Box[T] | None" = None


@pydantic_dataclass
class Checked:
    x: Annotated[int, Gt(0)]
    items: list[int] = Field(default_factory=list)


class Point(NamedTuple):
    x: int
    y: float = 0.0


class Row(TypedDict):
    id: int
    name: NotRequired[str]


class Doubling(BaseModel):
    """Validated twice, it is another."""

    x: int

    @field_validator("x")
    @classmethod
    def double(cls, x: int) -> int:
        return x * 2


class Link(BaseModel):
    url: AnyUrl


Nested = dict[str, list[Page[Box[Pet | None]]]]
Loose = dict[str, Any]
