"""`memory://` URLs."""

import pytest

from cachekit.errors import ConfigurationError
from cachekit_memory import MemoryBackend
from tests.memory.by_hand import value, write


def kept(url: str, size: int) -> int:
    """How many of so many small values a backend keeps."""
    backend = MemoryBackend.from_url(url)
    for number in range(size):
        write(backend, str(number), value())
    return len(backend)


@pytest.mark.parametrize(
    ("url", "most"),
    [
        ("memory://", 10_000),
        ("memory:", 10_000),
        ("memory:///", 10_000),
        ("memory://?", 10_000),
        ("memory://?max_entries=10", 10),
        ("memory://?max_entries=10&policy=lru", 10),
        ("memory://?max_entries=10&policy=tinylfu", 10),
        ("memory://?max_entries=10&policy=s3fifo&max_bytes=none", 10),
        ("memory://?max_entries=none", 10_500),
    ],
)
def test_a_url_says_how_much_is_kept(url: str, most: int) -> None:
    assert kept(url, 10_500) == most


def test_a_url_may_bound_bytes() -> None:
    assert 10 < kept("memory://?max_bytes=50000", 1000) < 50
    assert 10 < kept("memory://?max_bytes=50000&max_entries=none&policy=lru", 1000) < 50


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("memory://?max_entires=10", "no parameter 'max_entires'.*'10'.*max_entries, max_bytes"),
        ("memory://?max_entries", "max_entries must be a whole number.*not ''"),
        ("memory://?max_entries=ten", "max_entries must be a whole number.*not 'ten'"),
        ("memory://?max_entries=1e4", "max_entries must be a whole number.*not '1e4'"),
        ("memory://?max_entries=0", "max_entries must be a whole number of at least 1.*not 0"),
        ("memory://?max_bytes=-5", "max_bytes must be a whole number of at least 1.*not -5"),
        ("memory://?max_bytes=64MB", "max_bytes must be a whole number.*not '64MB'"),
        ("memory://?policy=mru", "policy must be one of .*'tinylfu', 's3fifo', 'lru'.*not 'mru'"),
        ("memory://?policy=lru&policy=s3fifo", "policy is given twice.*'lru'.*'s3fifo'"),
        ("memory://localhost", "write memory://"),
        ("memory:///somewhere", "write memory://"),
        ("memory://#max_entries=10", "write memory://"),
        ("redis://?max_entries=10", "write memory://"),
    ],
)
def test_a_bad_url_says_what_to_write(url: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        MemoryBackend.from_url(url)
