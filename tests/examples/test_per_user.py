"""Settings are of one user."""

import httpx

from tests.examples.asking import get, queries


async def test_settings_are_defaults_then_what_was_saved_last(client: httpx.AsyncClient) -> None:
    path = "/users/7/settings"
    default = await get(client, path)
    assert (default["language"], default["page_size"], default["version"]) == ("en", 20, 0)
    for version, language in enumerate(("fr", "de"), start=1):
        saved = (await client.put(path, json={"language": language})).json()
        assert (saved["language"], saved["version"]) == (language, version)
        assert await get(client, path) == saved
    before = await queries(client)
    assert (await get(client, path))["language"] == "de"
    assert await queries(client) == before


async def test_settings_of_one_user_are_none_of_another(client: httpx.AsyncClient) -> None:
    await client.put("/users/7/settings", json={"language": "fr"})
    assert (await get(client, "/users/7/settings"))["language"] == "fr"
    other = await get(client, "/users/8/settings")
    assert (other["user"], other["language"], other["version"]) == (8, "en", 0)
