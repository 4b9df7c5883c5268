"""The places service as a whole."""

from pathlib import Path

import httpx
import pytest

from examples.places.fill import is_filled
from examples.places.settings import StoreSettings
from tests.examples.asking import PARIS, get


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/places/0", None),
        ("GET", f"/places/{2**63}", None),
        ("GET", "/places?size=0", None),
        ("GET", "/places?country=FRA", None),
        ("GET", "/rates/EURO", None),
        ("PATCH", f"/places/{PARIS}", {}),
        ("PATCH", f"/places/{PARIS}", {"population": -1}),
        ("PATCH", f"/places/{PARIS}", {"name": " "}),
        ("PUT", "/users/7/settings", {"units": "furlongs"}),
        ("PUT", "/featured", {"places": [0]}),
    ],
)
async def test_what_makes_no_sense_is_refused(
    client: httpx.AsyncClient, method: str, path: str, body: dict[str, object] | None
) -> None:
    answer = await client.request(method, path, json=body)
    assert answer.status_code == 422


async def test_health(client: httpx.AsyncClient) -> None:
    assert await get(client, "/health") == {"status": "ok"}


def test_the_environment_says_where_the_cache_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLACES_CACHE", "memory://?max_entries=5")
    monkeypatch.setenv("PLACES_CACHE_DISABLED", "1")
    monkeypatch.setenv("PLACES_CACHE_TTL", "7")
    settings = StoreSettings()
    assert settings.url.get_secret_value() == "memory://?max_entries=5"
    assert (settings.disabled, settings.ttl) == (True, 7)


def test_a_database_of_another_release_is_filled_anew(filled: Path, tmp_path: Path) -> None:
    assert is_filled(filled)
    assert not is_filled(tmp_path / "none.db")
    (tmp_path / "old.db").touch()
    assert not is_filled(tmp_path / "old.db")
