"""What functions return that has a class of its own."""

from dataclasses import dataclass
from decimal import Decimal
from enum import Enum, IntEnum
from typing import Any, Generic, Literal, NamedTuple, NewType, TypeVar

from pydantic import BaseModel
from typing_extensions import TypedDict

T = TypeVar("T")


class Color(Enum):
    RED = "red"
    BLUE = "blue"


class Level(IntEnum):
    LOW = 1


class Product(BaseModel):
    id: int
    price: Decimal = Decimal("9.90")
    color: Color = Color.RED


@dataclass(frozen=True)
class Point:
    x: int
    y: tuple[int, ...]


class Pair(NamedTuple):
    left: Point
    right: int


class Row(TypedDict):
    id: int
    point: Point


class Page(BaseModel, Generic[T]):
    items: list[T]


class Strange:
    """A class that pydantic can do nothing with."""


Sku = NewType("Sku", Product)
Id = NewType("Id", int)

Scalar = Literal["a", 1]
Bright = Literal[Color.RED]


def product(n: int = 1) -> Product:
    return Product(id=n, price=Decimal(n) / 8)


def kind_of(value: Any) -> Any:
    """Its class, and those of what a list or a dict holds."""
    if isinstance(value, list):
        return [kind_of(part) for part in value]
    return type(value)
