"""A response cache in front of an origin, on a store in this process and on one that does I/O."""

from collections.abc import AsyncIterator

import pytest

from tests.http.helpers import Sites


@pytest.fixture(params=["near", "far"])
async def site(request: pytest.FixtureRequest) -> AsyncIterator[Sites]:
    sites = Sites(request.param)
    async with sites.cache:
        yield sites
