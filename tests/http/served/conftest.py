"""Fixtures of tests with a real server and real sockets."""

from collections.abc import AsyncIterator

import pytest

from tests.http.served.serving import Serving, serving


@pytest.fixture(params=["h11", "httptools"])
async def serve(request: pytest.FixtureRequest) -> AsyncIterator[Serving]:
    """Serves applications by uvicorn, by each of its parsers."""
    async for each in serving(request.param):
        yield each
