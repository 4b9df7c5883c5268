"""Many callers of one cold key: one load, and nobody's fate is another's."""

import asyncio

import pytest

from cachekit import Cache
from tests.core.helpers import Load
from tests.core.slow_store import SlowStore

pytestmark = pytest.mark.virtual


async def test_a_thousand_callers_make_one_load(cache: Cache) -> None:
    load = Load()
    callers = [asyncio.create_task(cache.get_or_set("k", load)) for _ in range(1000)]
    await load.begun.wait()
    load.finish()
    assert set(await asyncio.gather(*callers)) == {"value 1"}
    assert load.calls == 1


async def test_a_thousand_callers_make_one_load_and_one_read(slow: Cache, store: SlowStore) -> None:
    await slow.open()
    load = Load().finish()
    values = await asyncio.gather(*(slow.get_or_set("k", load) for _ in range(1000)))
    assert set(values) == {"value 1"}
    assert load.calls == 1
    assert len(store.reads) == 1
