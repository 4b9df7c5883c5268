"""What tests that ask an app share."""

from collections.abc import Awaitable, Callable
from typing import Any

from httpx import ASGITransport, AsyncClient

App = Callable[[Any, Any, Any], Awaitable[None]]


def client_of(app: App, **headers: str) -> AsyncClient:
    """A client of `app`, without a socket; what the app raises, it answers with 500."""
    transport = ASGITransport(app, raise_app_exceptions=False)
    return AsyncClient(transport=transport, base_url="http://test", headers=headers)
