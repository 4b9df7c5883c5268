"""Looking at what is stored, whichever store it is."""

from cachekit import Cache
from cachekit.backend import Backend
from cachekit.entry import Entry
from cachekit_memory import MemoryBackend
from tests.core.slow_store import SlowStore


def backend_of(cache: Cache) -> Backend:
    """The one that it has opened."""
    home = cache._engine.store.home
    assert home is not None
    return home.given


def entry_of(cache: Cache, key: str = "k") -> Entry:
    """The entry under `key`, which must be there."""
    backend, key = backend_of(cache), f"v:test:{key}"
    if isinstance(backend, MemoryBackend):
        entry = backend._look(key)
    else:
        assert isinstance(backend, SlowStore)
        entry = backend.shelf.entry(key)
    assert entry is not None
    return entry


def values(cache: Cache) -> dict[str, Entry]:
    """All values in a store of bytes, by their keys."""
    backend = backend_of(cache)
    assert isinstance(backend, SlowStore)
    found = {key: backend.shelf.entry(key) for key in backend.shelf.records}
    return {
        key.removeprefix("v:test:"): entry
        for key, entry in found.items()
        if entry is not None and entry.payload is not None
    }


def codecs(cache: Cache) -> set[str]:
    """Those of all values in a store of bytes."""
    return {entry.codec for entry in values(cache).values()}
