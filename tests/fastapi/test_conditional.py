"""Conditional requests for endpoints that know their own version (RFC 9110 13)."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import pytest
from fastapi import Body, Depends, FastAPI, Header, HTTPException, Response
from httpx import AsyncClient
from hypothesis import given, settings
from hypothesis import strategies as st

from cachekit import ConfigurationError
from cachekit.fastapi.conditional import (
    CONDITIONAL_READ,
    CONDITIONAL_UPDATE,
    Conditions,
    _settled,
)
from tests.fastapi.asking import client_of

CHANGED = datetime(2026, 1, 2, 3, 4, 5, 600_000, tzinfo=UTC)
SENT = "Fri, 02 Jan 2026 03:04:05 GMT"
BEFORE, AFTER = "Fri, 02 Jan 2026 03:04:04 GMT", "Fri, 02 Jan 2026 03:04:06 GMT"


Text = Annotated[str, Body()]


class Shop:
    """Texts that have versions."""

    def __init__(self) -> None:
        self.texts = {1: "one", 2: "two"}
        self.versions = {1: 1, 2: 1}
        self.work = 0

    def text(self, number: int) -> str:
        self.work += 1
        return self.texts[number]

    def save(self, number: int, text: str) -> int:
        self.texts[number] = text
        self.versions[number] = self.versions.get(number, 0) + 1
        return self.versions[number]


def known_user(user: Annotated[str | None, Header()] = None) -> str:
    if user is None:
        raise HTTPException(401)
    return user


def app_of(shop: Shop) -> FastAPI:
    app = FastAPI()

    @app.get("/texts/{number}", responses=CONDITIONAL_READ)
    async def read(number: int, conditions: Conditions, response: Response) -> str:
        if number not in shop.texts:
            raise HTTPException(404)
        response.headers["cache-control"] = "max-age=5"
        response.headers["content-location"] = f"/texts/{number}"
        response.headers.append("vary", "accept-language")
        response.headers.append("vary", "accept")
        response.headers["content-language"] = "en"
        conditions.check(conditions.etag(shop.versions[number]), last_modified=CHANGED)
        return shop.text(number)

    @app.get("/weak/{number}")
    async def read_weak(number: int, conditions: Conditions) -> str:
        conditions.check(conditions.etag(shop.versions[number], weak=True))
        return shop.text(number)

    @app.get("/dated")
    async def read_dated(conditions: Conditions) -> str:
        conditions.check(last_modified=CHANGED.timestamp())
        return shop.text(1)

    @app.put("/texts/{number}", responses=CONDITIONAL_UPDATE)
    async def save(number: int, text: Text, conditions: Conditions) -> str:
        if number in shop.texts:
            tag = conditions.etag(shop.versions[number])
            conditions.check(tag, last_modified=CHANGED)
        else:
            conditions.check_absent()
        conditions.stamp(conditions.etag(shop.save(number, text)))
        return text

    @app.patch("/texts/{number}")
    async def change(number: int, text: Text, conditions: Conditions) -> str:
        conditions.check(conditions.etag(shop.versions[number]), required=True)
        shop.save(number, text)
        return text

    @app.get("/mine")
    async def read_mine(user: Annotated[str, Depends(known_user)], conditions: Conditions) -> str:
        conditions.check(conditions.etag(user, 1))
        return f"only for {user}"

    return app


@pytest.fixture
def shop() -> Shop:
    return Shop()


@pytest.fixture
async def client(shop: Shop) -> AsyncIterator[AsyncClient]:
    async with client_of(app_of(shop)) as client:
        yield client


async def tag_of(client: AsyncClient, path: str = "/texts/1") -> str:
    tag: str = (await client.get(path)).headers["etag"]
    return tag


# -- reading


async def test_an_answer_carries_its_validators(client: AsyncClient) -> None:
    answer = await client.get("/texts/1")
    assert (answer.status_code, answer.json()) == (200, "one")
    assert answer.headers["etag"].startswith('"')
    assert answer.headers["last-modified"] == SENT


async def test_who_has_it_already_gets_304_without_the_work_and_without_a_body(
    shop: Shop, client: AsyncClient
) -> None:
    tag = await tag_of(client)
    answer = await client.get("/texts/1", headers={"if-none-match": f'"x", W/{tag}'})
    assert (answer.status_code, answer.content, shop.work) == (304, b"", 1)
    assert answer.headers["etag"] == tag
    assert answer.headers["cache-control"] == "max-age=5"
    assert answer.headers["content-location"] == "/texts/1"
    assert answer.headers.get_list("vary") == ["accept-language", "accept"]
    assert answer.headers.keys().isdisjoint({"content-type", "content-length", "content-language"})


async def test_who_has_an_older_one_gets_the_new_one(shop: Shop, client: AsyncClient) -> None:
    tag = await tag_of(client)
    shop.save(1, "new")
    answer = await client.get("/texts/1", headers={"if-none-match": tag})
    assert (answer.status_code, answer.json()) == (200, "new")
    assert answer.headers["etag"] != tag


async def test_a_weak_tag_is_good_enough_to_read(client: AsyncClient) -> None:
    tag = await tag_of(client, "/weak/1")
    assert tag.startswith('W/"')
    for given_tag in (tag, tag.removeprefix("W/"), "*"):
        answer = await client.get("/weak/1", headers={"if-none-match": given_tag})
        assert answer.status_code == 304


@pytest.mark.parametrize(
    ("since", "status"), [(BEFORE, 200), (SENT, 304), (AFTER, 304), ("tomorrow", 200), ("0", 200)]
)
async def test_a_date_is_one_too(client: AsyncClient, since: str, status: int) -> None:
    answer = await client.get("/dated", headers={"if-modified-since": since})
    assert answer.status_code == status
    assert answer.headers["last-modified"] == SENT


async def test_beside_a_tag_a_date_does_not_count(client: AsyncClient) -> None:
    headers = {"if-none-match": '"other"', "if-modified-since": AFTER}
    assert (await client.get("/texts/1", headers=headers)).status_code == 200


async def test_validators_of_one_url_never_answer_for_another(client: AsyncClient) -> None:
    paths = ["/texts/1", "/texts/2", "/texts/1?q=1", "/texts/1?q=2", "/weak/1"]
    tags = [await tag_of(client, path) for path in paths]
    elsewhere = {"host": "other.example"}
    tags.append((await client.get("/texts/1", headers=elsewhere)).headers["etag"])
    assert len({tag.removeprefix("W/") for tag in tags}) == len(tags)
    for path in paths:
        others = ", ".join(tag for other, tag in zip(paths, tags, strict=False) if other != path)
        answer = await client.get(path, headers={"if-none-match": others})
        assert answer.status_code == 200


async def test_what_is_not_there_is_404_whatever_the_conditions_are(client: AsyncClient) -> None:
    """RFC 9110 13.2.1: conditions are for what would succeed without them."""
    for headers in ({"if-none-match": "*"}, {"if-match": '"x"'}, {"if-modified-since": AFTER}):
        assert (await client.get("/texts/9", headers=headers)).status_code == 404
        assert (await client.get("/texts/none", headers=headers)).status_code == 422


async def test_nobody_learns_of_a_version_before_it_is_known_who_asks(client: AsyncClient) -> None:
    mine = await client.get("/mine", headers={"user": "ann"})
    tag = mine.headers["etag"]
    asked = {"if-none-match": tag}
    assert (await client.get("/mine", headers=asked)).status_code == 401
    assert (await client.get("/mine", headers={"if-none-match": "*"})).status_code == 401
    assert (await client.get("/mine", headers={**asked, "user": "ann"})).status_code == 304
    other = await client.get("/mine", headers={**asked, "user": "bob"})
    assert (other.status_code, other.json()) == (200, "only for bob")


def test_a_date_counts_once_its_second_is_over() -> None:
    """RFC 9110 8.8.2.2: a second change in it would have the same date."""
    assert _settled(100.0, 101.0) == 100.0
    assert _settled(100.0, 100.999) is None
    assert _settled(101.0, 100.5) is None
    assert _settled(None, 100.0) is None


# -- changing


async def test_a_change_of_what_was_read_is_made(shop: Shop, client: AsyncClient) -> None:
    tag = await tag_of(client)
    answer = await client.put("/texts/1", json="new", headers={"if-match": tag})
    assert (answer.status_code, shop.texts[1]) == (200, "new")
    assert "last-modified" not in answer.headers
    assert answer.headers["etag"] != tag


async def test_a_change_of_something_older_is_412_and_not_made(
    shop: Shop, client: AsyncClient
) -> None:
    old = await tag_of(client)
    shop.save(1, "by another")
    answer = await client.put("/texts/1", json="new", headers={"if-match": old})
    assert (answer.status_code, shop.texts[1]) == (412, "by another")
    assert "etag" not in answer.headers


async def test_a_weak_tag_is_not_good_enough_to_change(client: AsyncClient) -> None:
    """RFC 9110 13.1.1"""
    tag = await tag_of(client)
    answer = await client.put("/texts/1", json="new", headers={"if-match": f"W/{tag}"})
    assert answer.status_code == 412


@pytest.mark.parametrize(("since", "status"), [(BEFORE, 412), (SENT, 200), (AFTER, 200)])
async def test_a_change_may_be_conditional_on_a_date(
    client: AsyncClient, since: str, status: int
) -> None:
    answer = await client.put("/texts/1", json="new", headers={"if-unmodified-since": since})
    assert answer.status_code == status


async def test_who_would_make_what_is_there_already_is_not_asked_for_a_condition(
    shop: Shop, client: AsyncClient
) -> None:
    answer = await client.patch("/texts/1", json="new", headers={"if-none-match": "*"})
    assert (answer.status_code, shop.texts[1]) == (412, "one")
    answer = await client.patch("/texts/1", json="new", headers={"if-none-match": '"other"'})
    assert (answer.status_code, shop.texts[1]) == (428, "one")


async def test_a_change_without_a_condition_is_428_where_one_is_required(
    shop: Shop, client: AsyncClient
) -> None:
    """RFC 6585 3"""
    answer = await client.patch("/texts/1", json="new")
    assert (answer.status_code, shop.texts[1]) == (428, "one")
    assert "If-Match" in answer.json()["detail"]
    assert answer.headers["cache-control"] == "no-store"
    assert (await client.put("/texts/1", json="new")).status_code == 200


async def test_what_must_not_be_there_is_made_once(shop: Shop, client: AsyncClient) -> None:
    headers = {"if-none-match": "*"}
    made = [await client.put("/texts/3", json="three", headers=headers) for _ in range(2)]
    assert [answer.status_code for answer in made] == [200, 412]
    assert shop.versions[3] == 1


async def test_what_is_not_there_matches_nothing(shop: Shop, client: AsyncClient) -> None:
    for tag in ("*", '"x"'):
        answer = await client.put("/texts/3", json="three", headers={"if-match": tag})
        assert answer.status_code == 412
    assert 3 not in shop.texts


async def test_a_date_in_this_very_second_still_guards_changes() -> None:
    app = FastAPI()
    coming = datetime.now(UTC) + timedelta(hours=1)

    @app.api_route("/", methods=["GET"])
    @app.put("/")
    async def touch(conditions: Conditions) -> int:
        conditions.check(last_modified=coming)
        return 1

    async with client_of(app) as client:
        read = await client.get("/", headers={"if-modified-since": AFTER})
        assert read.status_code == 200
        assert "last-modified" not in read.headers
        changed = await client.put("/", headers={"if-unmodified-since": AFTER})
        assert changed.status_code == 412


async def test_a_date_of_no_zone_is_an_error_that_says_what_to_write() -> None:
    app = FastAPI()

    @app.get("/")
    async def read(conditions: Conditions) -> str:
        with pytest.raises(ConfigurationError, match=r"replace\(tzinfo=UTC\)"):
            conditions.check(last_modified=datetime(2026, 1, 1))
        return "checked"

    async with client_of(app) as client:
        assert (await client.get("/")).json() == "checked"


# -- both


@settings(deadline=None, max_examples=60)
@given(
    st.sampled_from(["GET", "PUT", "PATCH"]),
    st.dictionaries(
        st.sampled_from(
            ["if-match", "if-none-match", "if-modified-since", "if-unmodified-since", "if-range"]
        ),
        st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=40).map(
            lambda text: text.encode("latin-1")
        ),
    ),
)
async def test_conditions_that_are_none_never_end_in_an_error_of_ours(
    method: str, headers: dict[str, bytes]
) -> None:
    async with client_of(app_of(Shop())) as client:
        pairs: Any = [(name.encode(), value) for name, value in headers.items()]
        answer = await client.request(method, "/texts/1", headers=pairs, json="new")
    assert answer.status_code in {200, 304, 412, 428}


async def test_cookies_set_so_far_are_sent_one_by_one() -> None:
    app = FastAPI()

    @app.get("/")
    async def read(conditions: Conditions, response: Response) -> int:
        response.set_cookie("a", "1")
        response.set_cookie("b", "2")
        conditions.check(conditions.etag(1))
        return 1

    async with client_of(app) as client:
        answer = await client.get("/", headers={"if-none-match": "*"})
    assert answer.status_code == 304
    assert len(answer.headers.get_list("set-cookie")) == 2


async def test_the_docs_page_shows_304_412_and_428(client: AsyncClient) -> None:
    path = (await client.get("/openapi.json")).json()["paths"]["/texts/{number}"]
    assert "304" in path["get"]["responses"]
    assert {"412", "428"} <= path["put"]["responses"].keys()
    names = [parameter["name"] for parameter in path["get"]["parameters"]]
    assert names == ["number"]
