"""What `PLACES_CACHE` names: a run finds nothing of another there, and leaves nothing behind."""

from collections.abc import AsyncGenerator, Generator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from urllib.parse import parse_qsl, urlencode, urlsplit
from uuid import uuid4

from cachekit.backend import FORGET_PREFIX, Backend, Unreached
from cachekit.registry import backend_from, masked


class StoreError(Exception):
    """The store does not answer."""


@asynccontextmanager
async def corner(store: str | None) -> AsyncGenerator[str | None]:
    """`store` with a prefix in its URLs that no other keys have; what begins so goes at the end.

    What is in memory, or none, is the service's own and left to it. On memcached nobody finds what
    begins so: it is gone when it expires. `StoreError` if a store does not answer.
    """
    async with AsyncExitStack() as stack:
        urls = [await stack.enter_async_context(_corner(url)) for url in (store or "").split()]
        yield " ".join(urls) or None


@asynccontextmanager
async def _corner(url: str) -> AsyncGenerator[str]:
    if url.startswith("memory:"):
        yield url
        return
    own = _with_own_prefix(url)
    backend = backend_from(_unannounced(own))
    await backend.open()
    try:
        with _answering(url):
            await _look(backend)
        try:
            yield own
        finally:
            with _answering(url):
                await _empty(backend)
    finally:
        await backend.close()


async def _look(backend: Backend) -> None:
    """Raises why there is no answer, if so."""
    key = "v:places:"
    found = (await backend.read([key])).get(key)
    if isinstance(found, Unreached):
        raise found.cause or ConnectionError("no answer")


async def _empty(backend: Backend) -> None:
    forget = backend.capability(FORGET_PREFIX)
    if forget is not None:
        await forget.forget_prefix([""])


def _unannounced(url: str) -> str:
    """On a Redis: the stream of changes would be left."""
    return url if url.startswith("memcached:") else _with(url, announce="false")


def _with_own_prefix(url: str) -> str:
    prefix = dict(parse_qsl(urlsplit(url).query)).get("prefix", "ck:")
    return _with(url, prefix=f"{prefix}demo-{uuid4().hex[:8]}:")


def _with(url: str, **options: str) -> str:
    """`url` with these in its query, in the place of what it says of them."""
    base, _, query = url.partition("?")
    told = dict(parse_qsl(query, keep_blank_values=True))
    return f"{base}?{urlencode({**told, **options})}"


@contextmanager
def _answering(url: str) -> Generator[None]:
    try:
        yield
    except Exception as error:
        raise StoreError(f"no answer from {masked(url)}: {error}") from error
