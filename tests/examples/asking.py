"""What tests of the places service ask of it."""

from typing import Any

import httpx

PARIS = 2988507
LYON = 2996944
NOWHERE = 1


async def get(client: httpx.AsyncClient, path: str, **query: str | int) -> Any:
    answer = await client.get(path, params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def queries(client: httpx.AsyncClient) -> int:
    return int((await get(client, "/stats"))["database_queries"])


async def loads(client: httpx.AsyncClient, kind: str) -> int:
    """How often a value with keys of that kind was loaded."""
    counted = (await get(client, "/stats"))["by_kind"]
    return int(counted.get(kind, {"loads": 0})["loads"])


async def change(client: httpx.AsyncClient, place: int, **fields: str | int) -> Any:
    answer = await client.patch(f"/places/{place}", json=fields)
    assert answer.status_code == 200, answer.text
    return answer.json()
