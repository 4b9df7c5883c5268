"""Rates are as old as a minute, or as an hour while the bank does not answer."""

import httpx
import pytest
from fastapi import FastAPI

from cachekit import Cache
from cachekit.testing import FakeClock
from examples.places.bank import Bank
from examples.places.models import Rate
from tests.examples.asking import get


class Counting(Bank):
    """A bank whose rates rise with each question, as long as it is open."""

    def __init__(self) -> None:
        self.asked = 0
        self.is_open = True

    async def rate(self, currency: str) -> Rate | None:
        self.asked += 1
        if not self.is_open:
            raise ConnectionError("no answer")
        return Rate(currency=currency, per_euro=float(self.asked))


@pytest.fixture
def bank(app: FastAPI, own: Cache) -> Counting:
    bank = Counting()
    app.dependency_overrides[Bank] = lambda: bank
    return bank


async def per_euro(client: httpx.AsyncClient) -> float:
    return float((await get(client, "/rates/chf"))["per_euro"])


async def test_a_rate_is_asked_for_once_a_minute(
    client: httpx.AsyncClient, bank: Counting, clock: FakeClock
) -> None:
    seen = []
    for passes in (0, 59, 2):
        clock.advance(passes)
        seen.append(await per_euro(client))
    assert seen == [1.0, 1.0, 2.0]


async def test_a_bank_that_is_down_does_no_harm_for_an_hour(
    client: httpx.AsyncClient, bank: Counting, clock: FakeClock
) -> None:
    await per_euro(client)
    bank.is_open = False
    clock.advance(3600)
    assert [await per_euro(client) for _ in range(10)] == [1.0] * 10
    assert bank.asked == 2  # one attempt a second, not one for each client
    clock.advance(61)
    with pytest.raises(ConnectionError):
        await per_euro(client)


async def test_the_bank_does_not_deal_in_everything(client: httpx.AsyncClient) -> None:
    assert (await get(client, "/rates/EUR"))["per_euro"] == 1.0
    assert (await client.get("/rates/XYZ")).status_code == 404
