"""Values that were written once, each in a file, and must be read for ever.

A file holds the fingerprint, 8 bytes, and the JSON. `python -m tests.typed.golden` writes the
files of new ones. None is ever written again.
"""

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from ipaddress import IPv4Address, IPv6Network
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple
from uuid import UUID

from pydantic import BaseModel

from tests.typed import shop

FOLDER: Final = Path(__file__).parent


class Case(NamedTuple):
    """A type and a value of it."""

    annotation: Any
    value: Any


class Plain(BaseModel):
    """What changes least between versions of pydantic."""

    id: int
    name: str = "none"
    price: float | None = None
    kind: Literal["a", "b"] = "a"
    day: date = date(2024, 2, 29)
    parts: "list[Plain]" = []


SCALARS: Final = shop.Scalars(
    flag=True,
    number=2**70,
    real=-0.0,
    text="é\0",
    raw=b"\xff\0",
    amount=Decimal("1.50"),
    day=date(2024, 2, 29),
    clock=time(1, 2, 3, 4),
    moment=datetime(2024, 2, 29, 1, 2, 3, 4, UTC),
    span=timedelta(-1, 2, 3),
    uid=UUID(int=1),
    path=Path("a/b"),
    address=IPv4Address("127.0.0.1"),
    network=IPv6Network("::/0"),
    wave=1 - 2j,
    color=shop.Color.BLUE,
    level=shop.Level.HIGH,
    word=shop.Word.YES,
    kind=None,
)
PETS: Final = [
    shop.Cat.model_validate({"Kind": "cat", "lives": 9}),
    shop.Dog.model_validate({"Kind": "dog", "tricks": ["sit"]}),
]

GOLDEN: Final[dict[str, Case]] = {
    "plain": Case(Plain, Plain(id=1, price=1.5, parts=[Plain(id=2, name="é", kind="b")])),
    "list": Case(list[Plain], [Plain(id=1), Plain(id=2)]),
    "scalars": Case(shop.Scalars, SCALARS),
    "union": Case(list[shop.Pet], PETS),
    "generic": Case(shop.Page[Plain], shop.Page[Plain](items=[Plain(id=1)], total=1)),
    "dataclass": Case(shop.Order, shop.Order(1, 2.5, [shop.Product(id=1, price=Decimal("1.50"))])),
    "typed_dict": Case(dict[str, shop.Row], {"a": {"id": 1, "name": "b"}}),
    "anything": Case(Any, {"a": [1, 2.5, None, True, "b"]}),
}
"""By file."""


def file_of(name: str) -> Path:
    """Where the bytes of one are."""
    return FOLDER / f"{name}.bin"
