"""Hit ratios on the requests of a real shop's product pages."""

import lzma
import struct
from pathlib import Path

import pytest

from cachekit_memory import MemoryBackend
from cachekit_memory.backend import Eviction
from tests.memory.by_hand import POLICIES, peeking, value, write

REPOSITORY = Path(__file__).resolve().parents[2]
TRACE = REPOSITORY / ".." / "shared" / "traces" / "web07.trace.xz"
SIZES = [
    100,
    2_000,
    pytest.param(5_000, marks=pytest.mark.long),
]
POINTS = {100: 2.0, 2_000: 2.0, 5_000: 0.5}
"""By how much the default beats LRU, at least."""


@pytest.fixture(scope="module")
def requests() -> list[str]:
    """The keys in the order they were asked for: the file has them as 32-bit numbers."""
    if not TRACE.exists():
        pytest.skip(f"no {TRACE.name} in ../shared/traces beside the repository: nothing compared")
    data = lzma.decompress(TRACE.read_bytes())
    return [f"v:{number}" for (number,) in struct.iter_unpack(">I", data)]


def hit_ratio(policy: Eviction, size: int, requests: list[str]) -> float:
    """In percent."""
    backend = MemoryBackend(max_entries=size, policy=policy)
    peek = peeking(backend).peek
    hits = 0
    for key in requests:
        if peek(key) is not None:
            hits += 1
        else:
            write(backend, key, value(1))
    return 100 * hits / len(requests)


@pytest.mark.parametrize("size", SIZES)
def test_queues_hit_more_often_than_lru(
    size: int, requests: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    tinylfu, s3fifo, lru = (hit_ratio(policy, size, requests) for policy in POLICIES)
    with capsys.disabled():
        print(f"\nhit ratio on {TRACE.name}, {len(requests)} requests")
        print(
            f"  {size:5} entries: TinyLFU {tinylfu:.1f} %, S3-FIFO {s3fifo:.1f} %, LRU {lru:.1f} %"
        )
    assert min(tinylfu, s3fifo) >= lru + POINTS[size]
