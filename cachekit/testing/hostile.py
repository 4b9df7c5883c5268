"""Bytes that are no value: torn, random, of other formats, or made to do harm."""

import base64
import json
import marshal
import os
import pickle
import plistlib
import zlib
from collections.abc import Iterable, Iterator, Sequence
from itertools import product
from pathlib import Path
from random import Random
from typing import Final

from cachekit.testing import strings

Named = tuple[str, bytes]

PLACES: Final = 1000
"""How many truncations, and how many changed bytes, of one value's bytes are tried at most."""

TRAP: Final = "cachekit_trap"
"""A module that some of the baits of a `Trap` ask to import."""


def damaged(samples: Sequence[bytes]) -> Iterator[Named]:
    """Each of `samples` cut off at every place, and with every byte changed."""
    for data in samples:
        step = len(data) // PLACES + 1
        for at in range(0, len(data), step):
            yield f"the first {at} of {len(data)} bytes {_shown(data)}", data[:at]
            for bits in (0x01, 0x80, 0xFF):
                flipped = data[:at] + bytes((data[at] ^ bits,)) + data[at + 1 :]
                yield f"byte {at} changed to {flipped[at]:#04x} in {_shown(data)}", flipped
        yield f"{_shown(data)} twice", data + data


def random(samples: Sequence[bytes]) -> Iterator[Named]:
    """Noise, alone and after the beginning of one of `samples`. The same in each run."""
    chance = Random(0)
    for _ in range(3000):
        head = chance.choice(samples)
        data = head[: chance.choice((0, 1, 2, 4, len(head)))] + chance.randbytes(
            chance.choice(_SIZES)
        )
        yield f"the bytes {_shown(data)}", data


_SIZES: Final = (1, 2, 3, 5, 9, 17, 100)


def flipped(samples: Sequence[bytes]) -> Iterator[Named]:
    """Each of `samples` with each of its bits changed."""
    for data in samples:
        for bit in range(8 * len(data)):
            changed = bytearray(data)
            changed[bit // 8] ^= 1 << bit % 8
            yield f"bit {bit % 8} of byte {bit // 8} changed in {_shown(data)}", bytes(changed)


def contexts(context: bytes) -> Iterator[bytes]:
    """Others that look like `context`."""
    yield from (b"", context[1:], context[:-1], context + b"\0", b"\0" + context, context * 2)
    yield from (changed for _, changed in flipped([context]))


def foreign() -> Iterator[Named]:
    """Nothing, single bytes, and what other formats make of a plain value."""
    yield "no bytes", b""
    yield from ((f"the byte {byte:#04x}", bytes((byte,))) for byte in range(256))
    value = {"a": [1, 2.5, True, "text"]}
    text = json.dumps(value)
    yield from {
        "JSON": text.encode(),
        "JSON in UTF-16": text.encode("utf-16"),
        "msgpack": b"\x81\xa1a\x94\x01\xcb\x40\x04\0\0\0\0\0\0\xc3\xa4text",
        "CBOR": b"\xa1\x61a\x84\x01\xf9\x41\0\xf5\x64text",
        "marshal": marshal.dumps(value),
        "a binary plist": plistlib.dumps(value, fmt=plistlib.FMT_BINARY),
        "XML": plistlib.dumps(value),
        "YAML": b"a: [1, 2.5, true, text]\n",
        "base64": base64.b64encode(text.encode()),
        "zlib": zlib.compress(text.encode()),
        **{f"pickle {number}": pickle.dumps(value, number) for number in range(6)},
    }.items()


_NESTS: Final = {
    "JSON arrays": (b"[", b"]"),
    "JSON objects": (b'{"a":', b"}"),
    "msgpack arrays, or CBOR maps": (b"\x91", b""),
    "msgpack maps, or CBOR arrays": (b"\x81\x01", b""),
    "msgpack arrays of 32 bits": (b"\xdd\0\0\0\x01", b""),
    "CBOR arrays": (b"\x81", b""),
    "CBOR maps": (b"\xa1\x01", b""),
    "CBOR tags": (b"\xc1", b""),
    "bencoded lists": (b"l", b"e"),
    "XML elements": (b"<a>", b"</a>"),
    "parentheses": (b"(", b")"),
    "pickle tuples": (b"(", b"t"),
}


def nested(samples: Sequence[bytes]) -> Iterator[Named]:
    """100,000 containers in each other, closed and not, alone and after the byte of a header."""
    for name, (start, end) in _NESTS.items():
        for head in _heads(samples, 1):
            yield f"100,000 nested {name} that do not end", head + start * 100_000
            yield f"100,000 nested {name}", head + start * 100_000 + b"\xc0" + end * 100_000


_ITEMS: Final = {
    "JSON": (b"[", b"]", b",", (b"{}", b'""', b"0")),
    "msgpack": (b"\xdd%b", b"", b"", (b"\x80", b"\xa0", b"\x81\xa1a\0")),
}


def many(size: int = 2**20) -> Iterator[Named]:
    """Containers of `size` bytes with nothing in them but the same small item, or small members."""
    for name, (start, end, comma, items) in _ITEMS.items():
        for item in items:
            count = size // len(item + comma)
            data = comma.join([item] * count)
            head = start.replace(b"%b", count.to_bytes(4))
            yield f"{count:,} times {_shown(item)} in {name}", head + data + end
    count = size // 10
    keys = [b'"%06x"' % at for at in range(count)]
    yield f"{count:,} members in JSON", b"{" + b",".join(key + b":0" for key in keys) + b"}"
    pairs = b"".join(b"\xa6%06x\0" % at for at in range(count))
    yield f"{count:,} members in msgpack", b"\xdf" + count.to_bytes(4) + pairs


_CLAIMS: Final = (
    *(b"\xc6", b"\xc9", b"\xdb", b"\xdd", b"\xdf"),  # msgpack
    *(b"\x5a", b"\x5b", b"\x7a", b"\x7b", b"\x9a", b"\x9b", b"\xba", b"\xbb"),  # CBOR
    *(b"\x80\x04\x8e", b"\x80\x05\x96", b"\x80\x04]r", b"\x80\x04\x8b", b"\x80\x04B"),  # pickle
    b"",
)
_LENGTHS: Final = (b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\xff\xff\xff\x7f", b"\0\0\0\x01" * 2)


def claims(samples: Sequence[bytes]) -> Iterator[Named]:
    """A few bytes that say that gigabytes follow, alone and after the byte of a header."""
    parts = product(_heads(samples, 1), _CLAIMS, _LENGTHS, (b"", b"\0" * 1000))
    for data in map(b"".join, parts):
        yield f"a claim of gigabytes, {_shown(data)}", data


def behind(samples: Sequence[bytes], cases: Iterable[Named], longest: int = 8) -> Iterator[Named]:
    """Each of `cases`, alone and after the first bytes, 1 to `longest` of them, of `samples`."""
    for head, (name, data) in product(_heads(samples, longest), cases):
        yield (f"{name} after {_shown(head)}" if head else name), head + data


class Trap:
    """A place where one can see whether what bytes name was called or imported.

    `folder` has to be on `sys.path`.
    """

    def __init__(self, folder: Path) -> None:
        self._called, self._imported = folder / "called", folder / "imported"
        source = f"from pathlib import Path\nPath({str(self._imported)!r}).touch()\n"
        (folder / f"{TRAP}.py").write_text(source)

    @property
    def sprung(self) -> str:
        """What was done: `""` if nothing was."""
        done = {"called": self._called, "imported": self._imported}
        return " and ".join(f"{what} what the bytes name" for what in done if done[what].exists())

    def baits(self, samples: Sequence[bytes]) -> Iterator[Named]:
        """What springs it if it is obeyed."""
        yield from _snares(self._called)
        for name in _NAMES:
            yield from strings.alone(name)
            yield from strings.replaced(samples, name)
        yield from behind(samples, _pickles(self._called))


_NAMES: Final = (TRAP, f"{TRAP}.Thing", f"{TRAP}:Thing")


def _snares(folder: Path) -> Iterator[Named]:
    call = {"py/reduce": [{"py/type": "os.mkdir"}, {"py/tuple": [str(folder)]}]}
    yield "a call in JSON", json.dumps(call).encode()
    yield "a class in JSON", json.dumps({"py/object": f"{TRAP}.Thing"}).encode()
    yield "a call in YAML", f"!!python/object/apply:os.mkdir [{json.dumps(str(folder))}]".encode()
    yield "a module in YAML", f"!!python/module:{TRAP}".encode()
    yield "Python", f"__import__('os').mkdir({str(folder)!r})".encode()


def _pickles(folder: Path) -> Iterator[Named]:
    for number in (0, 2, 5):
        yield f"a call, pickle {number}", pickle.dumps(_Call(folder), number)
    yield "an import, pickle", f"c{TRAP}\nThing\n.".encode()


class _Call:
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self._folder),)


def _heads(samples: Sequence[bytes], longest: int) -> list[bytes]:
    """Nothing, and some of the different ways in which the samples begin."""
    sizes = range(1, longest + 1)
    return [b"", *sorted({data[:size] for size in sizes for data in samples})[: 30 * longest]]


def _shown(data: bytes) -> str:
    return data.hex() if len(data) <= 40 else f"{data[:40].hex()}…"
