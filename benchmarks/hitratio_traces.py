"""What keys are asked for, in which order: recorded traces, and ones that are made up."""

import lzma
import os
import random
import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, islice
from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).resolve().parents[1] / ".." / "shared" / "traces"
VARIABLE: Final = "CACHEKIT_TRACES"
"""Names one more folder of traces."""

ENDING: Final = ".trace.xz"
MOST: Final = 200_000
"""So many requests of a recorded trace are taken at most: the first."""

MADE_UP: Final = 100_000
"""So many requests has one that is made up."""

RECORDED_SIZES: Final = (100, 500, 1000, 2000, 5000, 10_000)
SIZES: Final = (200, 500, 1000, 2000, 5000)
LOOP: Final = 2400
LOOP_SIZES: Final = (500, 1000, 2000, 2300)


@dataclass(frozen=True)
class Trace:
    """Keys in the order in which they are asked for, and how many entries the caches have."""

    name: str
    requests: Sequence[int]
    sizes: Sequence[int]


def traces(scale: float = 1) -> list[Trace]:
    """All, with requests, keys and entries of this part of their numbers."""
    made = [Trace(name, make(scale), _sizes(name, scale)) for name, make in MAKERS.items()]
    return [*(_recorded(path, scale) for path in recorded()), *made]


def recorded() -> list[Path]:
    """Those in `../shared/traces` beside the repository, and in the folder that is named."""
    folders = [FOLDER, Path(os.environ.get(VARIABLE) or FOLDER)]
    found = [path for folder in folders for path in sorted(folder.glob("*" + ENDING))]
    return list(dict.fromkeys(found))


def keys_of(path: Path) -> list[int]:
    """Those of a file of big-endian numbers of 32 bits, compressed by xz; `MOST` at most."""
    with lzma.open(path) as file:
        data = file.read(4 * MOST)
    return [key for (key,) in struct.iter_unpack(">I", data[: len(data) // 4 * 4])]


def _recorded(path: Path, scale: float) -> Trace:
    requests = keys_of(path)
    sizes = [_scaled(size, scale) for size in RECORDED_SIZES]
    return Trace(path.name.removesuffix(ENDING), requests[: _scaled(len(requests), scale)], sizes)


def _sizes(name: str, scale: float) -> list[int]:
    return [_scaled(size, scale) for size in (LOOP_SIZES if name == "loop" else SIZES)]


def _scaled(number: int, scale: float) -> int:
    return max(1, round(number * scale))


def zipf(rng: random.Random, alpha: float, keys: int, requests: int) -> list[int]:
    """The key of rank r, from 0 on, is asked for (r + 1) ** -alpha times as often as the first."""
    weights = list(accumulate((rank + 1) ** -alpha for rank in range(keys)))
    return rng.choices(range(keys), cum_weights=weights, k=requests)


def _zipf(alpha: float) -> Callable[[float], list[int]]:
    def make(scale: float) -> list[int]:
        keys, requests = _scaled(50_000, scale), _scaled(MADE_UP, scale)
        return zipf(random.Random(1), alpha, keys, requests)

    return make


def _popular(seed: int, scale: float) -> list[int]:
    return zipf(random.Random(seed), 0.9, _scaled(20_000, scale), _scaled(MADE_UP, scale))


def _scans(scale: float) -> list[int]:
    """Popular keys; after each 8,000 requests 4,000 keys that are never asked for again."""
    popular, pause, scan = iter(_popular(2, scale)), _scaled(8000, scale), _scaled(4000, scale)
    made: list[int] = []
    while len(made) < _scaled(MADE_UP, scale):
        made += islice(popular, pause)
        made += range(-len(made) - scan, -len(made))
    return made[: _scaled(MADE_UP, scale)]


def _loop(scale: float) -> list[int]:
    return [number % _scaled(LOOP, scale) for number in range(_scaled(MADE_UP, scale))]


def _loop_and_zipf(scale: float) -> list[int]:
    """Two of five requests go through 3,000 keys, again and again; the others are popular keys."""
    rng, length, place = random.Random(3), _scaled(3000, scale), 0
    made: list[int] = []
    for key in _popular(4, scale):
        if looping := rng.random() < 0.4:
            place += 1
        made.append(-1 - place % length if looping else key)
    return made


def _moving_set(scale: float) -> list[int]:
    """Any of 1,500 keys, of which the oldest is replaced after each 8 requests."""
    rng, keys = random.Random(5), _scaled(1500, scale)
    return [number // 8 + rng.randrange(keys) for number in range(_scaled(MADE_UP, scale))]


def _drift(scale: float) -> list[int]:
    """Popular keys; after each 20 requests one of them changes places with any other."""
    rng, ranks = random.Random(6), list(range(_scaled(20_000, scale)))
    made: list[int] = []
    for number, rank in enumerate(_popular(7, scale)):
        if number % 20 == 0:
            other = rng.randrange(len(ranks))
            ranks[rank], ranks[other] = ranks[other], ranks[rank]
        made.append(ranks[rank])
    return made


def _visits(scale: float) -> list[int]:
    """Each key is asked for a few times within a while, then never again."""
    return [key for _, key in sorted(_visiting(scale))][: _scaled(MADE_UP, scale)]


def _visiting(scale: float) -> Iterator[tuple[float, int]]:
    rng, while_ = random.Random(8), 400 * scale
    for key in range(_scaled(MADE_UP, scale)):
        for _ in range(1 + int(rng.expovariate(1 / 2.5))):
            yield key + rng.expovariate(1 / while_), key


MAKERS: Final[dict[str, Callable[[float], list[int]]]] = {
    "Zipf 0.7": _zipf(0.7),
    "Zipf 0.9": _zipf(0.9),
    "Zipf 1.0": _zipf(1.0),
    "Zipf and scans": _scans,
    "loop": _loop,
    "loop and Zipf": _loop_and_zipf,
    "moving set": _moving_set,
    "Zipf that drifts": _drift,
    "visits": _visits,
}
