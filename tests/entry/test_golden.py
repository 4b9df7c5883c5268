"""What was written once is read for ever, and written alike."""

from typing import Any

import pytest

from cachekit.entry import Entry
from cachekit.envelope import FORMAT, pack, unpack
from cachekit.testing import FakeClock
from tests.entry.golden import FOLDERS, GOLDEN

FACTS = (
    *("kind", "version", "declared", "born", "ttl", "stale_while_revalidate", "stale_if_error"),
    *("load_time", "schema", "codec", "revision", "payload"),
)

each_format = pytest.mark.parametrize("number", FOLDERS)
named = pytest.mark.parametrize("name", GOLDEN)


@each_format
def test_there_is_a_file_for_each(number: int) -> None:
    assert {path.stem for path in FOLDERS[number].glob("*.bin")} == GOLDEN.keys()


def facts(entry: Entry) -> dict[str, Any]:
    """All that bytes bring back."""
    return {name: getattr(entry, name) for name in FACTS} | {"tags": list(entry.tags.items())}


@named
@each_format
def test_it_is_read(number: int, name: str) -> None:
    key, entry = GOLDEN[name]
    made = unpack(key, (FOLDERS[number] / f"{name}.bin").read_bytes(), FakeClock())
    assert facts(made) == facts(entry)


@named
def test_it_is_written_alike(name: str) -> None:
    key, entry = GOLDEN[name]
    assert pack(key, entry) == (FOLDERS[FORMAT] / f"{name}.bin").read_bytes()
