"""The operations router is there for who has the token, and not there without one."""

from pathlib import Path

import httpx
import pytest

from examples.places.app import create_app
from examples.places.caching import cache
from tests.examples.asking import PARIS, get

PATH = "/operations/cache"
TOKEN = {"authorization": "Bearer s3cret"}


@pytest.fixture(autouse=True)
def token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLACES_OPERATOR_TOKEN", "s3cret")


@pytest.mark.parametrize(
    ("headers", "status"),
    [({}, 401), ({"authorization": "Bearer other"}, 403), ({"authorization": "Bearer é"}, 403)],
)
async def test_nobody_else_gets_in(
    client: httpx.AsyncClient, headers: dict[str, str], status: int
) -> None:
    sent = [(name.encode(), value.encode()) for name, value in headers.items()]
    assert (await client.get(f"{PATH}/stats", headers=sent)).status_code == status


async def test_an_event_said_by_hand_forgets_the_place(client: httpx.AsyncClient) -> None:
    await get(client, f"/places/{PARIS}")
    assert await cache.metadata(f"place:{PARIS}")
    event = {"id": PARIS, "country": "FR"}
    done = await client.post(f"{PATH}/events/place-updated", json=event, headers=TOKEN)
    assert done.json()["keys"] == [f"place:{PARIS}"]
    assert await cache.metadata(f"place:{PARIS}") is None


async def test_without_a_token_there_is_no_router(
    filled: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLACES_OPERATOR_TOKEN", "")
    paths = create_app(filled).openapi()["paths"]
    assert not [path for path in paths if path.startswith(PATH)]
