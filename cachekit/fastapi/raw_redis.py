"""A client of redis-py, for what a cache is not there for. The library may be missing."""

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, TypeAlias

from pydantic import SecretStr

from cachekit import ConfigurationError

if TYPE_CHECKING:
    from redis.asyncio import Redis as Redis
else:
    Redis = Any

RedisSource: TypeAlias = str | SecretStr | Callable[[], Redis]
"""A URL, or a function that makes a client, called at each start."""


def maker(source: RedisSource) -> Callable[[], Redis]:
    """What makes the client; a `ConfigurationError` if redis-py is not installed."""
    if not isinstance(source, (str, SecretStr)):
        return source
    url = source.get_secret_value() if isinstance(source, SecretStr) else source
    try:
        from redis import asyncio
    except ImportError as error:
        raise ConfigurationError(
            f"redis= needs redis-py ({error}): pip install 'cachekit-framework[redis]'"
        ) from error
    clients: Any = asyncio.Redis
    return lambda: clients.from_url(url)


@asynccontextmanager
async def client_of(make: Callable[[], Redis]) -> AsyncGenerator[Redis]:
    """A client of this start; it connects at its first command."""
    client = make()
    try:
        yield client
    finally:
        await client.aclose()
