"""What a shop would cache: a product, a page of them, a report. The same in every run.

As JSON has them, with times as text, and as pydantic models, with times as they are.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, Final

from pydantic import BaseModel

_START: Final = datetime(2024, 1, 1, tzinfo=UTC)
_WORDS: Final = (
    *(
        "oak",
        "steel",
        "folding",
        "garden",
        "travel",
        "linen",
        "round",
        "small",
        "double",
        "classic",
    ),
    *("chair", "lamp", "kettle", "table", "mug", "shelf", "clock", "basket", "mirror", "blanket"),
)
_CITIES: Final = ("Ljubljana", "Graz", "Trieste", "Zürich", "København", "Łódź", "Porto")


class Size(BaseModel):
    width: float
    height: float
    depth: float


class Product(BaseModel):
    id: int
    sku: str
    name: str
    price: float
    currency: str
    available: bool
    stock: int
    tags: list[str]
    size: Size
    rating: float | None
    created: datetime
    updated: datetime


class Page(BaseModel):
    items: list[Product]
    page: int
    pages: int
    total: int
    next: str | None


class Line(BaseModel):
    product: int
    sku: str
    name: str
    quantity: int
    price: float


class Address(BaseModel):
    street: str
    city: str
    code: str


class Order(BaseModel):
    id: int
    customer: str
    address: Address
    lines: list[Line]
    total: float
    paid: bool
    placed: datetime
    note: str | None


class Report(BaseModel):
    title: str
    made: datetime
    totals: dict[str, float]
    orders: list[Order]


@dataclass(frozen=True)
class Payload:
    """One value in its two forms."""

    name: str
    plain: dict[str, Any]
    model: BaseModel


def payloads() -> list[Payload]:
    """One record, a page of 100 of them, and a report of about 1 MB."""
    return [
        _payload("product", Product, _product),
        _payload("page", Page, _page),
        _payload("report", Report, _report),
    ]


def _payload(
    name: str, model: type[BaseModel], make: Callable[[Random], dict[str, Any]]
) -> Payload:
    plain = make(Random(name))
    return Payload(name, plain, model.model_validate(plain))


def _product(random: Random) -> dict[str, Any]:
    number = random.randrange(1_000_000)
    created = random.randrange(10**7)
    return {
        "id": number,
        "sku": f"SKU-{number:07}",
        "name": _name(random),
        "price": _price(random),
        "currency": "EUR",
        "available": random.random() < 0.9,
        "stock": random.randrange(500),
        "tags": random.sample(_WORDS, 3),
        "size": {side: random.randrange(1000) / 10 for side in ("width", "height", "depth")},
        "rating": random.choice([None, random.randrange(10, 50) / 10]),
        "created": _time(created),
        "updated": _time(created + random.randrange(10**6)),
    }


def _page(random: Random) -> dict[str, Any]:
    items = [_product(random) for _ in range(100)]
    return {"items": items, "page": 3, "pages": 42, "total": 4177, "next": "/products?page=4"}


def _report(random: Random) -> dict[str, Any]:
    orders = [_order(random) for _ in range(2200)]
    totals = {city: round(_sum(orders, city), 2) for city in _CITIES}
    return {"title": "Orders of March", "made": _time(10**7), "totals": totals, "orders": orders}


def _order(random: Random) -> dict[str, Any]:
    lines = [_line(random) for _ in range(random.randrange(1, 5))]
    return {
        "id": random.randrange(10**9),
        "customer": f"{random.getrandbits(64):016x}",
        "address": {
            "street": f"{random.choice(_WORDS).title()} Street {random.randrange(1, 200)}",
            "city": random.choice(_CITIES),
            "code": str(random.randrange(1000, 9999)),
        },
        "lines": lines,
        "total": round(sum(line["quantity"] * line["price"] for line in lines), 2),
        "paid": random.random() < 0.95,
        "placed": _time(random.randrange(10**7)),
        "note": random.choice([None, None, None, "Leave it with the neighbours, please."]),
    }


def _line(random: Random) -> dict[str, Any]:
    number = random.randrange(1_000_000)
    return {
        "product": number,
        "sku": f"SKU-{number:07}",
        "name": _name(random),
        "quantity": random.randrange(1, 6),
        "price": _price(random),
    }


def _sum(orders: list[dict[str, Any]], city: str) -> float:
    totals: list[float] = [it["total"] for it in orders if it["address"]["city"] == city]
    return sum(totals)


def _name(random: Random) -> str:
    return " ".join(random.sample(_WORDS, 3)).capitalize()


def _price(random: Random) -> float:
    return random.randrange(100, 50_000) / 100


def _time(seconds: int) -> str:
    return (_START + timedelta(seconds=seconds)).isoformat()
