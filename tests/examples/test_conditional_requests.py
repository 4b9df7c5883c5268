"""Articles: who has one already is not sent it, and no update undoes another."""

import asyncio

import httpx

from tests.examples.asking import LYON, NOWHERE, PARIS, queries

PATH = f"/places/{PARIS}/article"


async def write(client: httpx.AsyncClient, text: str, **headers: str) -> httpx.Response:
    lines = {name.replace("_", "-"): value for name, value in headers.items()}
    return await client.put(PATH, json=text, headers=lines)


async def test_who_has_the_article_is_not_sent_it(client: httpx.AsyncClient) -> None:
    assert (await client.get(PATH)).status_code == 404
    written = await write(client, "A city.")
    first = await client.get(PATH)
    assert first.json() == written.json() == {"place": PARIS, "text": "A city.", "version": 1}
    assert first.headers["etag"] == written.headers["etag"]
    before = await queries(client)
    again = await client.get(PATH, headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert await queries(client) == before + 2  # the version, not the text


async def test_an_update_loses_no_other(client: httpx.AsyncClient) -> None:
    tag = (await write(client, "A city.")).headers["etag"]
    blind = await write(client, "No matter what.")
    mine = await write(client, "Mine.", if_match=tag)
    yours = await write(client, "Yours.", if_match=tag)
    assert [blind.status_code, mine.status_code, yours.status_code] == [428, 200, 412]
    assert (await client.get(PATH)).json()["text"] == "Mine."


async def test_of_updates_at_once_one_is_made(client: httpx.AsyncClient) -> None:
    tag = (await write(client, "A city.")).headers["etag"]
    answers = await asyncio.gather(*(write(client, text, if_match=tag) for text in "abcdef"))
    assert sorted(answer.status_code for answer in answers) == [200] + [412] * 5
    made = next(answer for answer in answers if answer.status_code == 200)
    assert (await client.get(PATH)).json() == made.json()


async def test_the_first_article_is_made_once(client: httpx.AsyncClient) -> None:
    answers = [await write(client, text, if_none_match="*") for text in "ab"]
    assert [answer.status_code for answer in answers] == [200, 412]


async def test_the_tag_of_one_place_is_none_of_another(client: httpx.AsyncClient) -> None:
    tag = (await write(client, "A city.")).headers["etag"]
    other = f"/places/{LYON}/article"
    await client.put(other, json="Another city.")
    assert (await client.get(other, headers={"if-none-match": tag})).status_code == 200


async def test_nothing_is_written_of_what_is_not_there(client: httpx.AsyncClient) -> None:
    path = f"/places/{NOWHERE}/article"
    assert (await client.get(path)).status_code == 404
    assert (await client.put(path, json="?")).status_code == 404
