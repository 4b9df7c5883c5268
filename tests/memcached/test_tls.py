"""Over TLS: as without it; and whoever is not who the certificates say gives nothing."""

import asyncio
import re
import socket
import ssl
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from random import Random
from typing import Any, Final, TypeAlias

import pytest

from cachekit import Cache, InvalidationError
from cachekit_memcached import MemcachedBackend
from tests.servers.certificates import Certificates
from tests.servers.fixtures import Starter
from tests.servers.memcached import MemcachedServer
from tests.servers.ports import LOOPBACK
from tests.stores.calls import asked_again, guarded

PATIENCE: Final = 5.0

LARGE: Final = Random(1).randbytes(900_000)
"""It comes in many records."""


@pytest.fixture
def trusting(certificates: Certificates) -> ssl.SSLContext:
    """Trusts the authority of the tests."""
    return ssl.create_default_context(cafile=certificates.authority)


@asynccontextmanager
async def cache_of(url: str, **options: Any) -> AsyncGenerator[Cache]:
    patience: dict[str, Any] = {"timeout": PATIENCE, "connect_timeout": PATIENCE}
    backend = MemcachedBackend(url, **patience | options)
    async with Cache(guarded(backend), namespace="x", deadline=PATIENCE) as cache:
        yield cache


async def use(cache: Cache) -> None:
    """It keeps what it is given, however much that is, and forgets it."""
    unreached = cache.stats().unreached
    await cache.set("large", LARGE, tags=["t"])
    assert await cache.get("large") == LARGE
    await cache.set_many({f"k{number}": number for number in range(300)}, tags=["t"])
    found = await asyncio.gather(*(cache.get(f"k{number}") for number in range(300)))
    assert found == list(range(300))
    await cache.clear()
    assert await cache.get_many(["large", "k0"]) == {}
    assert cache.stats().unreached == unreached


async def test_with_a_context(
    tls_memcached: MemcachedServer, trusting: ssl.SSLContext, prefix: str
) -> None:
    arguments = {"prefix": prefix, "conn_args": {"ssl": trusting}}
    async with cache_of(tls_memcached.url, **arguments) as cache:
        await use(cache)


async def test_by_the_url_as_the_system_trusts(
    tls_memcached: MemcachedServer,
    certificates: Certificates,
    prefix: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates.authority))
    async with cache_of(f"{tls_memcached.url}?tls=true&prefix={prefix}") as cache:
        await use(cache)


async def test_one_that_was_killed_is_asked_again(
    start: Starter, certificates: Certificates, trusting: ssl.SSLContext
) -> None:
    server = start(MemcachedServer(tls=certificates))
    async with cache_of(server.url, conn_args={"ssl": trusting}) as cache:
        await cache.set("k", "old")
        server.kill()
        assert await cache.get("k") is None
        with pytest.raises(InvalidationError):
            await cache.set("k", "lost")
        server.start()
        await asked_again(cache)
        await use(cache)


Arguments: TypeAlias = Callable[[ssl.SSLContext], dict[str, Any]]

WRONG: Final[Mapping[str, tuple[str, str, Arguments]]] = {
    "not trusted": ("tls_memcached", "certificate verify failed", lambda _: {"ssl": True}),
    "another's": (
        "tls_memcached",
        "Hostname mismatch",
        lambda trusting: {"ssl": trusting, "server_hostname": "elsewhere"},
    ),
    "not expected": ("tls_memcached", "reset by peer|closed the connection", lambda _: {}),
    "none": ("memcached_server", "wrong version number", lambda _: {"ssl": True}),
}
"""The server, what is said of it, and the arguments that it is met with."""


@pytest.mark.parametrize("what", WRONG)
async def test_a_server_that_cannot_be_trusted_gives_nothing(
    request: pytest.FixtureRequest,
    caplog: pytest.LogCaptureFixture,
    trusting: ssl.SSLContext,
    prefix: str,
    what: str,
) -> None:
    """And is given nothing; log and errors say why."""
    name, why, arguments = WRONG[what]
    server: MemcachedServer = request.getfixturevalue(name)
    async with cache_of(server.url, prefix=prefix, conn_args=arguments(trusting)) as cache:
        assert await cache.get_or_set("k", lambda: "loaded") == "loaded"
        assert await cache.get("k") is None
        with pytest.raises(InvalidationError, match=why) as caught:
            await cache.set("k", "stored")
        assert isinstance(caught.value.__cause__, OSError)
        assert await cache.get("k") is None
    first = caplog.messages[0]
    assert first.startswith("the cache does without its backend: reads fail: ")
    assert re.search(why, first)


async def test_a_handshake_that_hangs_is_over_in_time(
    caplog: pytest.LogCaptureFixture, trusting: ssl.SSLContext
) -> None:
    with socket.create_server((LOOPBACK, 0)) as listener:
        url = f"memcached://{LOOPBACK}:{listener.getsockname()[1]}"
        arguments = {"conn_args": {"ssl": trusting}, "connect_timeout": 0.05}
        async with cache_of(url, **arguments) as cache:
            assert await cache.get("k") is None
    assert caplog.messages[0].endswith("TimeoutError: no connection within 0.05 s")
