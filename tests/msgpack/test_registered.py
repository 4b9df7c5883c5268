"""Enums, dataclasses, namedtuples, attrs classes and models come back if they were registered."""

import copy
from collections import OrderedDict
from dataclasses import dataclass, make_dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any, Generic, TypeVar

import pytest

from cachekit.errors import ConfigurationError, EncodeError, UnreadableError
from cachekit_msgpack import MsgpackSerializer
from tests.msgpack import shop

SERIALIZER = MsgpackSerializer(types=shop.ALL)


def back(value: Any) -> Any:
    made = SERIALIZER.loads(SERIALIZER.dumps(value))
    assert type(made) is type(value)
    return made


VALUES: list[Any] = [
    shop.Product(1, Decimal("1.50"), ["a"], (shop.Product(2, Decimal(0)),)),
    shop.Frozen(shop.Color.RED, datetime(2024, 1, 1, tzinfo=UTC)),
    shop.Slotted(1, {2}),
    shop.Derived(1, Decimal(2), extra={"a": (1, bytearray(b"b"))}),
    shop.Page([shop.Page[int]([1]), (2,)]),
    shop.Empty(),
    shop.Point(1, [shop.Point(2)]),
    shop.Plain(1, {"a": shop.Plain(1, 2)}),
    shop.Box(2, "s"),
    shop.FrozenBox(2, "s", 3),
    shop.OpenBox([1]),
    shop.Model(id=1, born=date(2024, 1, 1), pairs=[(1, "a")], more=[1]),  # type: ignore[call-arg]
    shop.Nested(model=shop.Model(id=1), more={"a": shop.Nested(model=shop.Model(id=2))}),
    shop.GenericModel(items=[1, "a"]),
    shop.GenericModel[int](items=[1]),
    shop.Root([1]),
    shop.FrozenModel(x=1),
    shop.Checked(1, [2]),
    [{"a": {shop.Point(1): shop.FrozenModel(x=1)}}],
    {shop.FrozenModel(x=1): 1, shop.Color.RED: 2, shop.Level.LOW: 3, shop.Word.YES: 4},
    OrderedDict({shop.Level.LOW: (shop.Level.HIGH, shop.Word.YES)}),
]


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_an_equal_one_comes_back(value: Any) -> None:
    made = back(value)
    assert made == value
    assert repr(made) == repr(value)


@pytest.mark.parametrize("kind", [shop.Color, shop.Level, shop.Word, shop.Right, shop.Mode])
def test_members_of_enums_are_the_same_objects(kind: Any) -> None:
    for member in kind.__members__.values():
        assert back(member) is member
        assert SERIALIZER.loads(SERIALIZER.dumps({member.name: [member]}))[member.name][0] is member


def test_flags_combine() -> None:
    for flags in (shop.Right.READ | shop.Right.WRITE, shop.Right(0), shop.Mode.A | shop.Mode(64)):
        assert back(flags) == flags


def test_a_pseudo_member_of_an_enum_is_refused() -> None:
    class Odd(Enum):
        A = 1

        @classmethod
        def _missing_(cls, value: object) -> Any:
            odd = object.__new__(cls)
            odd._name_, odd._value_ = str(value), value
            return odd

    with pytest.raises(EncodeError, match="no named member"):
        MsgpackSerializer(types=[Odd]).dumps(Odd(5))


def test_neither_init_nor_validators_run_again() -> None:
    box = back(shop.Box(2, "s"))
    assert (box.width, box._secret) == (4, "s")
    worked = back(shop.Worked(5))
    assert worked.total == 10
    assert worked.note == ("not", "a field")
    assert not hasattr(worked, "unset")
    model = shop.Model(id=1, name="a")
    assert model.name == "A!"
    assert back(model).name == "A!"
    changed = shop.Model.model_construct(id="not an int", pairs=({1},))
    assert back(changed).id == "not an int"
    assert back(changed).pairs == ({1},)


def test_what_a_cached_property_remembers_is_kept() -> None:
    worked = shop.Worked(5)
    assert worked.slow == [10]
    assert vars(back(worked)) == vars(worked)


def test_all_that_a_model_has_is_kept() -> None:
    model = shop.Model(id=1, extra=[(1,)])  # type: ignore[call-arg]
    model._hits.append(5)
    made = back(model)
    assert made._hits == [5]
    assert made.model_fields_set == {"id", "extra"}
    assert made.model_extra == {"extra": [(1,)]}
    assert made.model_copy(update={"id": 2}).id == 2


def test_the_type_arguments_of_a_generic_dataclass_are_let_go() -> None:
    page = shop.Page[int]([1])
    made = back(page)
    assert made == page
    assert not hasattr(made, "__orig_class__")
    assert hasattr(page, "__orig_class__")


def test_a_class_may_say_what_is_kept() -> None:
    value = shop.Picky([1])
    made = back(value)
    assert made == value
    assert made.lock is not value.lock


def test_what_comes_back_shares_nothing() -> None:
    value = shop.Model(id=1, pairs=[(1, "a")])
    before = copy.deepcopy(value)
    back(value).pairs.append((2, "b"))
    assert value == before


def test_fields_that_hold_what_is_not_registered_are_named() -> None:
    serializer = MsgpackSerializer(types=[shop.Frozen])
    with pytest.raises(EncodeError, match=r"shop\.Color .*types=\[Color\]"):
        serializer.dumps([shop.Frozen(shop.Color.RED)])


def test_only_what_is_registered_is_made() -> None:
    data = SERIALIZER.dumps(shop.Product(1, Decimal(1)))
    with pytest.raises(UnreadableError, match=r"'Product'.*registered"):
        MsgpackSerializer().loads(data)
    with pytest.raises(UnreadableError, match=r"'Product'.*registered"):
        MsgpackSerializer({"other": shop.Product}).loads(data)


def test_a_tag_may_be_given() -> None:
    one = MsgpackSerializer({"thing": shop.Point})
    other = MsgpackSerializer({"thing": shop.Plain})
    assert one.loads(one.dumps(shop.Point(1, 2))) == shop.Point(1, 2)
    assert type(other.loads(one.dumps(shop.Point(1, 2)))) is shop.Plain
    assert b"Point" not in one.dumps(shop.Point(1, 2))


def local(name: str) -> type[Any]:
    return make_dataclass(name, ["x"])


def test_classes_of_one_name_need_tags() -> None:
    one, other = local("Same"), local("Same")
    with pytest.raises(ConfigurationError, match=r"'Same'.*twice.*'tag': Class"):
        MsgpackSerializer(types=[one, other])
    serializer = MsgpackSerializer({"one": one, "other": other})
    assert type(serializer.loads(serializer.dumps(one(1)))) is one
    assert type(serializer.loads(serializer.dumps(other(1)))) is other


def test_one_class_has_one_tag() -> None:
    with pytest.raises(ConfigurationError, match="Point twice"):
        MsgpackSerializer({"a": shop.Point, "b": shop.Point})


T = TypeVar("T")


class Bare:
    """No fields are known of it."""


@dataclass
class WithContent(dict[str, int]):
    x: int = 0


@dataclass
class Failure(Exception):
    x: int = 0


class Generics(Generic[T]):
    pass


@pytest.mark.parametrize(
    "kind",
    [int, dict, tuple, object, Bare, WithContent, Failure, Generics, shop.Page[int], "Bare", None],
)
def test_what_cannot_be_registered(kind: Any) -> None:
    with pytest.raises(ConfigurationError, match="types= takes enums, dataclasses"):
        MsgpackSerializer(types=[kind])


def test_an_instance_of_a_subclass_is_another_class() -> None:
    serializer = MsgpackSerializer(types=[shop.Product])
    with pytest.raises(EncodeError, match=r"Derived .*types=\[Derived\]"):
        serializer.dumps(shop.Derived(1, Decimal(1)))


def test_attributes_of_a_namedtuple_are_not_lost() -> None:
    serializer = MsgpackSerializer(types=[shop.OpenPoint])
    value = shop.OpenPoint(1, 2)
    made = serializer.loads(serializer.dumps(value))
    assert type(made) is shop.OpenPoint
    value.note = 1  # type: ignore[attr-defined]
    with pytest.raises(EncodeError, match="OpenPoint with attributes"):
        serializer.dumps(value)


HOSTILE = {
    "a member that is none": (shop.Color, b"\xa5BLACK"),
    "a member by number": (shop.Color, b"\x01"),
    "a member by list": (shop.Color, b"\x90"),
    "a flag of text": (shop.Right, b"\xa1a"),
    "a flag that is none": (shop.Right, b"\x40"),
    "too few items": (shop.Point, b"\x91\x01"),
    "too many items": (shop.Point, b"\x93\x01\x01\x01"),
    "items that are a number": (shop.Point, b"\x01"),
    "a state that is a number": (shop.Product, b"\x01"),
    "a state that is text": (shop.Product, b"\xa1a"),
    "slots that it has not": (shop.Bare, b"\x93\xd4\x01\x01\xc0\x81\xa1y\x01"),
    "a model's state that is a number": (shop.Model, b"\x01"),
}


@pytest.mark.parametrize(("kind", "state"), HOSTILE.values(), ids=HOSTILE)
def test_a_state_that_is_none(kind: type[Any], state: bytes) -> None:
    with pytest.raises(UnreadableError):
        MsgpackSerializer({"t": kind}).loads(b"\x93\xd4\x01\x0a\xa1t" + state)


def test_what_holds_itself_is_refused() -> None:
    product = shop.Product(1, Decimal(1))
    product.parts = (product,)
    with pytest.raises(EncodeError, match="in a circle"):
        SERIALIZER.dumps(product)
