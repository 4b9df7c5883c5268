"""Entries that were written once, each in a file, and must be read, and written alike, for ever.

`python -m tests.entry.golden` writes the files of new ones. None is ever written again: each
format has a folder of its own.
"""

from pathlib import Path
from typing import Any, Final

from cachekit.entry import Entry, Kind
from cachekit.keys import claim_of, record_key, tag_key, value_key

FOLDERS: Final = {number: Path(__file__).parent / f"format_{number}" for number in (1, 2)}

BORN: Final = 1_700_000_000.25
VERSION: Final = 0x0123456789ABCDEF
KEY: Final = value_key("shop", "product:1")
HOME: Final = record_key("shop", "home")
TAG: Final = tag_key("shop", "products")
DERIVED: Final = tag_key("shop", "maker:7")
ODD: Final = value_key("shop", "größe \ud800")


def value(tags: dict[str, int] | None = None, derived: dict[str, int] | None = None) -> Entry:
    """One as a fill makes it, of the text "lamp" in msgpack, for five minutes."""
    entry = Entry(Kind.VALUE, version=VERSION)
    entry.carry(tags or {}, derived)
    entry.born, entry.ttl, entry.load_time = BORN, 300.0, 0.125
    entry.codec, entry.payload = "msgpack", b"\xa4lamp"
    return entry


def but(entry: Entry, **changes: Any) -> Entry:
    """`entry`, changed."""
    for name, change in changes.items():
        setattr(entry, name, change)
    return entry


def mark(kind: Kind, tags: dict[str, int] | None = None, version: int = VERSION) -> Entry:
    """One that is no value."""
    return Entry(kind, version=version, tags=tags)


WINDOWS: Final = {"stale_while_revalidate": 60.0, "stale_if_error": 3600.0}
NAMES: Final = {"schema": b"\x01\x02\x03", "revision": "2"}

GOLDEN: Final[dict[str, tuple[str, Entry]]] = {
    "value": (KEY, value()),
    "value_of_everything": (KEY, but(value({HOME: 6, TAG: 7}, {DERIVED: 8}), **WINDOWS, **NAMES)),
    "value_for_good": (KEY, but(value(), ttl=None)),
    "value_for_no_time": (KEY, but(value(), ttl=0.0, load_time=0.0)),
    "value_without_bytes": (KEY, but(value({TAG: 7}), payload=b"")),
    "value_of_all_bytes": (KEY, but(value(), payload=bytes(range(256)))),
    "value_from_before_the_epoch": (KEY, but(value(), born=-0.5)),
    "value_of_another_codec": (KEY, but(value(), codec="a codec with a name of 32 bytes.")),
    "value_with_tags_from_its_result": (KEY, value({}, {TAG: 7, DERIVED: 8})),
    "value_with_an_odd_tag": (
        KEY,
        value({tag_key("shop", "größe \ud800"): 2**63 - 1, "t:é\ud800": 0}),
    ),
    "value_under_a_digest": (ODD, value()),
    "value_under_an_odd_key": ("v:shop:é\0\ud800", value()),
    "value_in_no_namespace": (value_key("", "k"), value()),
    "stub": (KEY, mark(Kind.STUB)),
    "stub_with_tags": (KEY, mark(Kind.STUB, {TAG: 7, DERIVED: 8})),
    "pass": (KEY, mark(Kind.PASS, {TAG: 7})),
    "tag": (TAG, mark(Kind.TAG)),
    "tag_of_the_namespace": (HOME, mark(Kind.TAG, version=6)),
    "tag_of_the_least_version": (TAG, mark(Kind.TAG, version=0)),
    "tag_of_the_greatest_version": (TAG, mark(Kind.TAG, version=2**63 - 1)),
    "claim": (claim_of(KEY), mark(Kind.STUB, {KEY: VERSION}, version=9)),
    "claim_after_a_failure": (claim_of(KEY), mark(Kind.PASS, {KEY: VERSION}, version=9)),
}
"""By file: the key, and what is under it."""
