"""What identifies the registered classes: stored values of other fields are not read."""

from dataclasses import dataclass, field, make_dataclass
from enum import Enum
from typing import Annotated, Any, Literal, NamedTuple, Optional, TypeVar, Union

import attrs
import pytest
from pydantic import BaseModel, Field, PrivateAttr, create_model

from cachekit_msgpack import MsgpackSerializer
from cachekit_msgpack.annotations import describe
from tests.msgpack import shop

T = TypeVar("T")


def mark(*types: type[Any], **tagged: type[Any]) -> bytes:
    return MsgpackSerializer(tagged or types).fingerprint


def test_nothing_registered_has_none() -> None:
    assert mark() == b""


def test_it_is_16_bytes_however_many_there_are() -> None:
    assert len(mark(shop.Point)) == len(mark(*shop.ALL)) == 16


def test_the_order_of_registering_does_not_count() -> None:
    assert mark(*shop.ALL) == mark(*reversed(shop.ALL))


def test_another_class_or_tag_changes_it() -> None:
    marks = [mark(shop.Point), mark(shop.Plain), mark(shop.Point, shop.Plain), mark(a=shop.Point)]
    assert len(set(marks)) == 4
    assert mark(a=shop.Point, b=shop.Plain) != mark(b=shop.Point, a=shop.Plain)


def test_fields_of_dataclasses() -> None:
    def made(*fields: Any) -> bytes:
        return mark(make_dataclass("Made", fields))

    base = made(("a", int), ("b", str))
    assert made(("a", "int"), ("b", str, field(default="x"))) == base
    others = [
        made(("a", int)),
        made(("a", int), ("c", str)),
        made(("a", int), ("b", bytes)),
        made(("a", int), ("b", str | None)),
        made(("a", int), ("b", list[str])),
        made(("b", str), ("a", int)),
        made(("a", int), ("b", str), ("c", str, field(init=False))),
    ]
    assert len({base, *others}) == 8


def test_fields_of_models() -> None:
    def made(**fields: Any) -> bytes:
        return mark(create_model("Made", **fields))

    base = made(a=(int, ...), b=(str, "x"))
    assert made(a=(int, 5), b=(Annotated[str, Field(max_length=5)], ...)) == base
    others = [made(a=(int, ...)), made(a=(int, ...), b=(int, ...)), made(a=(int, ...), c=(str, ""))]
    assert len({base, *others}) == 4


def test_private_attributes_count() -> None:
    class One(BaseModel):
        x: int

    class Other(BaseModel):
        x: int
        _y: int = PrivateAttr(0)

    assert mark(tag=One) != mark(tag=Other)


def test_fields_of_attrs_classes_and_namedtuples() -> None:
    one, other = (attrs.make_class("A", {"x": attrs.field(type=kind)}) for kind in (int, str))
    assert mark(one) != mark(other)

    class Pair(NamedTuple):
        x: int

    class Other(NamedTuple):
        x: str

    assert mark(tag=Pair) != mark(tag=Other)


def test_members_of_enums() -> None:
    def made(**members: Any) -> bytes:
        kind: Any = Enum("E", members)  # type: ignore[misc]
        return mark(kind)

    assert len({made(A=1), made(A=2), made(A=1, B=2), made(B=1), made(A="1")}) == 5
    assert made(A=object()) == made(A=object())


def test_a_changed_base_changes_it() -> None:
    @dataclass
    class Base:
        x: int

    @dataclass
    class OtherBase:
        x: str

    @dataclass
    class Child(Base):
        y: int

    @dataclass
    class OtherChild(OtherBase):
        y: int

    assert mark(tag=Child) != mark(tag=OtherChild)


def function() -> None:
    """Its repr shows an address."""


@pytest.mark.parametrize(
    ("annotation", "text"),
    [
        (int, "int"),
        (None, "None"),
        (type(None), "None"),
        ("list[Product]", "list[Product]"),
        (Any, "Any"),
        (list[int], "list[int]"),
        (dict[str, list[shop.Product]], "dict[str, list[Product]]"),
        (tuple[int, ...], "tuple[int, ellipsis]"),
        (int | None, "int | None"),
        (Optional[int], "int | None"),  # noqa: UP045
        (Union[int, str], "int | str"),  # noqa: UP007
        (Annotated[int, function], "int"),
        (list[Annotated[int, function]], "list[int]"),
        (Literal["a", 1, None], "Literal['a', 1, None]"),
        (T, "T"),
        (list["Product"], "list[Product]"),  # type: ignore[name-defined]  # noqa: F821
        (shop.GenericModel[int], "GenericModel[int]"),
        (shop.Page[int], "Page[int]"),
    ],
)
def test_annotations_as_text(annotation: Any, text: str) -> None:
    assert describe(annotation) == text
