"""Fixtures of the tests of copies in front of a store."""

from collections.abc import AsyncIterator

import pytest

from tests.tiered.stores import Pair, opened


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    """After a failure the feed is asked again at once."""
    monkeypatch.setattr("cachekit_tiered.follower._SHORTEST_PAUSE", 0.0)
    monkeypatch.setattr("cachekit_tiered.follower._LONGEST_PAUSE", 0.0)


@pytest.fixture
async def pair() -> AsyncIterator[Pair]:
    """Copies that are known to be right at time 0, and no longer than for `STALENESS` seconds."""
    async with opened(Pair()) as pair:
        yield pair
