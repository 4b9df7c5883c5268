"""What is cached where hits are measured, in this process and in others."""

from typing import Any, Final

NESTED: Final[dict[str, Any]] = {
    "name": "Ljubljana",
    "where": {"lat": 46.05, "lon": 14.51},
    "tags": ["capital", "river"],
    "near": [{"id": number, "name": str(number)} for number in range(3)],
}
"""A nested, mutable value of builtin types."""


async def text(number: int) -> str:
    return f"value {number}"


async def nested(number: int) -> dict[str, Any]:
    return NESTED


def text_now(number: int) -> str:
    return f"value {number}"


def nested_now(number: int) -> dict[str, Any]:
    return NESTED
