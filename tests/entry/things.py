"""Classes whose instances are put into a cache."""

from collections import OrderedDict
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

import attrs
from pydantic import BaseModel, PrivateAttr


@dataclass
class Basket:
    items: list[int]


@dataclass(frozen=True)
class Point:
    x: int
    y: object = None


@dataclass(frozen=True)
class Named(Point):
    name: str = ""


@dataclass(frozen=True, slots=True)
class Slotted:
    x: object


@dataclass(frozen=True)
class Half:
    x: int
    y: int = field(init=False)


@dataclass(frozen=True)
class Remembering:
    x: int

    @cached_property
    def rows(self) -> list[int]:
        return []


@dataclass(frozen=True)
class Shy:
    x: int

    def __getattribute__(self, name: str) -> Any:
        if name == "x":
            raise RuntimeError("not today")
        return super().__getattribute__(name)


class Loose(Point):
    """Not frozen in what it adds: attributes of its own may be set."""


@dataclass(frozen=True)
class FrozenList(list[int]):
    x: int = 0


class Pair(NamedTuple):
    left: Any
    right: Any


class OpenPair(Pair):
    """Has a `__dict__`."""


class Hiding(frozenset[int]):
    __slots__ = ("extra",)
    extra: list[int]


class Ordered(OrderedDict[str, int]):
    """A subclass."""


class Text(str):
    """A subclass."""


@attrs.define
class Box:
    items: list[int]


class Model(BaseModel):
    items: list[int]
    _seen: list[int] = PrivateAttr(default_factory=list)


class Plain:
    def __init__(self, items: list[int]) -> None:
        self.items = items


class Told(Exception):
    """Keeps what it was called with."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


class Retold(Exception):
    """Hands its base a message, so that a copy is called with the message: another one."""

    def __init__(self, code: object) -> None:
        super().__init__(f"code {code}")


class Posing:
    """Says that it is copied as a dict."""

    def __reduce__(self) -> Any:
        return dict, ()


class Base:
    def __reduce__(self) -> Any:
        return Base, ()


class Derived(Base):
    """Copied as its base, by a mistake in there."""


class Locked:
    """Leaves out on purpose what cannot be copied."""

    def __init__(self) -> None:
        self.items = [1]
        self.lock: object = object()

    def __getstate__(self) -> Any:
        return {"items": self.items}

    def __setstate__(self, state: Any) -> None:
        self.items = state["items"]
        self.lock = object()
