"""What it costs to keep values as bytes: ours beside the plain library, and the envelope alone.

Ours is all that a store of bytes makes of a value: the serializer, its steps and the envelope of
an entry without tags of its own, in the namespace "shop". Reading is the way back, with all checks.
"""

import pickle
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, Literal

import msgpack  # type: ignore[import-untyped]
import orjson
from pydantic import TypeAdapter
from rich.table import Table

from benchmarks.measuring import Effort, Figure, calls_in, cpu_seconds, in_rounds, table
from benchmarks.payloads import Payload, payloads
from benchmarks.results import OURS, Report, Result
from cachekit.clock import SYSTEM
from cachekit.codec import Codec
from cachekit.entry import Entry, Kind
from cachekit.envelope import pack, unpack
from cachekit.keys import record_key, value_key
from cachekit.serializer import Serializer
from cachekit.signing import Signing
from cachekit.step import Step
from cachekit_aesgcm import AesGcmEncryption
from cachekit_msgpack import MsgpackSerializer
from cachekit_orjson import OrjsonSerializer
from cachekit_pickle import PickleSerializer
from cachekit_pydantic import PydanticSerializer
from cachekit_zstd import ZstdCompression

KEY: Final = value_key("shop", "get_product:number=4711")
HOME: Final = record_key("shop", "home")
MOST_MICROSECONDS: Final = 3
MOST_BYTES: Final = 80

_SECRET: Final = bytes(range(32))


@dataclass
class Work:
    """One direction of one subject."""

    call: Callable[[], object]
    calls: int = 1
    figure: Figure = field(default_factory=Figure)


@dataclass
class Row:
    """A subject with one payload; `plain` is the library that it is held against."""

    case: str
    subject: str
    size: int
    write: Work
    read: Work
    plain: "Row | None" = None
    """`None`: it is the plain library itself."""


def run(effort: Effort) -> Report:
    """Measures all."""
    made = [row for payload in payloads() for row in rows(payload)]
    alone, empty = envelope(), nothing()
    works = [work for row in (*made, alone, empty) for work in (row.write, row.read)]
    for work in works:
        work.calls = calls_in(effort.span, work.call)
    in_rounds("values as bytes", works, microseconds, effort.rounds)
    results = [result for row in (*made, alone, empty) for result in _results(row)]
    return Report(results, [shown(made), shown_envelope(alone, empty)])


def _results(row: Row) -> Iterator[Result]:
    """A plain library and what stands on it are compared."""
    beside = row.plain or row
    name = row.subject if row.plain is None else f"{OURS}, {row.subject}"
    case = f"{row.case}, {beside.subject}" if row.case else "an untagged entry"
    for way, work in (("write", row.write), ("read", row.read)):
        rounds = work.figure.rounds
        yield Result("serializers", f"{way}: {case}", name, "µs", rounds, floor=row is beside)
    if row.size:
        yield Result("serializers", f"size: {case}", name, "bytes", [row.size], floor=row is beside)


def microseconds(work: Work) -> float:
    """What one call takes."""
    return cpu_seconds(work.call, work.calls) / work.calls * 1e6


def rows(payload: Payload) -> list[Row]:
    """All subjects with `payload`, each plain library before what stands on it."""
    case, value, model = payload.name, payload.plain, payload.model
    adapter = TypeAdapter(type(model))
    orjson_row = plain(case, "orjson", value, orjson.dumps, orjson.loads)
    msgpack_row = plain(case, "msgpack", value, msgpack.packb, msgpack.unpackb)
    pydantic_row = plain(case, "pydantic", model, adapter.dump_json, adapter.validate_json)
    pickle_row = plain(case, "pickle", value, pickle.dumps, pickle.loads)
    return [
        *(orjson_row, ours(orjson_row, value, OrjsonSerializer())),
        *(msgpack_row, ours(msgpack_row, value, MsgpackSerializer())),
        ours(msgpack_row, value, MsgpackSerializer(), ZstdCompression()),
        ours(msgpack_row, value, MsgpackSerializer(), Signing(keys=[_SECRET])),
        ours(msgpack_row, value, MsgpackSerializer(), AesGcmEncryption(keys=[_SECRET])),
        *(pydantic_row, ours(pydantic_row, model, PydanticSerializer(type(model)))),
        *(pickle_row, ours(pickle_row, value, PickleSerializer(keys=[_SECRET]))),
    ]


def plain(
    case: str,
    library: str,
    value: Any,
    dumps: Callable[[Any], bytes],
    loads: Callable[[bytes], Any],
) -> Row:
    """A library as it is used without us."""
    data = dumps(value)
    _check(library, loads(data), value)
    name = f"plain {library}"
    return Row(case, name, len(data), Work(lambda: dumps(value)), Work(lambda: loads(data)))


def ours(beside: Row, value: Any, serializer: Serializer, *steps: Step) -> Row:
    """All that is between a value and a store of bytes."""
    codec = Codec(serializer, steps)
    entry = blank(codec)

    def write() -> bytes:
        entry.payload = codec.encode(value, KEY, entry)
        return pack(KEY, entry)

    def read(data: bytes) -> Any:
        return codec.open(KEY, unpack(KEY, data, SYSTEM))

    data = write()
    _check(codec.id, read(data), value)
    return Row(beside.case, codec.id, len(data), Work(write), Work(lambda: read(data)), beside)


def blank(codec: Codec) -> Entry:
    """An entry as a load without tags makes it, still without its value."""
    entry = Entry(Kind.VALUE, tags={HOME: 2**62 + 1})
    entry.freshen(60.0, SYSTEM)
    entry.load_time = 0.0125
    entry.codec, entry.schema = codec.id, codec.fingerprint
    return entry


def envelope() -> Row:
    """What the envelope adds to the payload of a product in msgpack, and to its key."""
    codec = Codec(MsgpackSerializer())
    entry = blank(codec)
    payload = entry.payload = codec.encode(payloads()[0].plain, KEY, entry)
    data = pack(KEY, entry)
    added = len(data) - len(KEY) - len(payload)
    write, read = Work(partial(pack, KEY, entry)), Work(partial(unpack, KEY, data, SYSTEM))
    return Row("", "the envelope alone", added, write, read)


def nothing() -> Row:
    """What a measured call takes that does nothing: it is in the figures of the envelope, too."""

    def call(*_: object) -> None:
        pass

    work = partial(call, KEY, b"", SYSTEM)
    return Row("", "of that, a call of nothing", 0, Work(work), Work(work))


def _check(name: str, made: Any, value: Any) -> None:
    if made != value:
        raise ValueError(f"{name} does not give back what it was given: its figures mean nothing")


def shown(measured: list[Row]) -> Table:
    numbers = "bytes", "write µs", "ratio", "read µs", "ratio"
    title = "Values into bytes and back: CPU time, ratio to plain"
    made = table(title, ("value", "subject"), numbers)
    for case in dict.fromkeys(row.case for row in measured):
        for place, row in enumerate(row for row in measured if row.case == case):
            figures = *_beside(row, "write"), *_beside(row, "read")
            made.add_row("" if place else case, row.subject, f"{row.size:,}", *figures)
        made.add_section()
    return made


def shown_envelope(row: Row, empty: Row) -> Table:
    """The best of the rounds, too: so little time is soon twice as long on a busy machine."""
    title = "Beyond the key and the payload: best of the rounds, and median"
    made = table(
        title, ("an untagged entry",), ("bytes", "write µs", "median", "read µs", "median")
    )
    for each, size in ((row, str(row.size)), (empty, "")):
        figures = [f"{f.best:.2f} {f.median:.2f}" for f in (each.write.figure, each.read.figure)]
        made.add_row(each.subject, size, *" ".join(figures).split())
    most = f"{MOST_MICROSECONDS:.2f}"
    made.add_row("limit", str(MOST_BYTES), most, "", most, "")
    return made


def _beside(row: Row, way: Literal["write", "read"]) -> tuple[str, str]:
    """The median, and its ratio to that of the plain library."""
    took = getattr(row, way).figure.median
    if row.plain is None:
        return f"{took:,.1f}", ""
    return f"{took:,.1f}", f"{took / getattr(row.plain, way).figure.median:.2f}"
