"""Bytes in the store that the cache did not put there: they are a miss that is counted.

All of it is read in a forked process whose memory is watched, by every serializer, alone and
behind steps.
"""

import struct
import sys
import zlib
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, islice, repeat
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from cachekit.entry import Entry
from cachekit.envelope import pack, unpack
from cachekit.testing import hostile
from cachekit.testing.bombs import bombs
from cachekit.testing.child import Call, trouble
from cachekit.testing.hostile import Named
from tests.serializers.lab import (
    ANOTHER,
    LOADED,
    OTHER,
    VALUE,
    Format,
    K,
    Lab,
    every_format,
    formats,
    steps,
)

Cases: TypeAlias = Iterator[Call]

MOST = 128 * 2**20
"""Bytes that all reads of a test may take at once."""

HEALED_EVERY = 50
"""One of so many reads is followed by a load."""

with_steps = pytest.mark.parametrize("name", steps())


class NeverError(Exception):
    """Nothing that the cache is asked may raise."""


def harm_nobody(forms: Iterable[Format], cases: Callable[[Lab], Cases]) -> None:
    """Fail if one of them gives a text, or takes much memory while it works.

    The labs are made, used and closed in the child. It may have more memory than is allowed: the
    cache would take a `MemoryError` for one more reason why bytes cannot be read.
    """

    def calls() -> Cases:
        most = peak() + MOST
        for form in forms:
            lab = Lab(form)
            for call in cases(lab):
                yield call._replace(
                    name=f"{form.id}: {call.name}", wrong=lambda text: text or excess(most)
                )
            lab.close()

    seen = trouble(calls(), NeverError, seconds=10, memory=4 * 2**30)
    assert not seen, seen


def peak() -> int:
    """The most memory that this process has had at once, in bytes, where that can be told."""
    if sys.platform != "linux":
        return 0
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def excess(most: int) -> str:
    now = peak()
    return f"took {now - most + MOST >> 20} MB" if now > most else ""


def all_refused(lab: Lab, named: Iterable[Named], every: int = HEALED_EVERY) -> Cases:
    for number, (case, data) in enumerate(named):
        look = lab.read if number % every else lab.refused
        yield Call(case, lambda data=data, look=look: look(data))  # type: ignore[misc]


def checked(data: bytes) -> bytes:
    """With a CRC that fits."""
    return data[:-4] + struct.pack(">I", zlib.crc32(data[:-4]))


def flipped(data: bytes) -> Iterator[Named]:
    for at in range(len(data)):
        yield f"byte {at} of {len(data)}", data[:at] + bytes((data[at] ^ 0xFF,)) + data[at + 1 :]


def cut(data: bytes) -> Iterator[Named]:
    for at in range(len(data)):
        yield f"the first {at} of {len(data)} bytes", data[:at]


# -- envelopes


def test_envelopes_that_were_damaged() -> None:
    """Whatever is in them: the plainest and the longest."""

    def cases(lab: Lab) -> Cases:
        data = lab.bytes_of()
        yield from all_refused(lab, flipped(data))
        yield from all_refused(lab, cut(data))
        yield from all_refused(lab, [("twice", data * 2), ("noise", b"\xa5" * 200)], every=1)
        yield Call("as it was", lambda: lab.read(data, VALUE))

    harm_nobody([formats("alone")[0], formats("all")[-1]], cases)


@pytest.mark.parametrize("name", ["alone", "all"])
def test_envelopes_that_were_changed_by_who_knows_what_a_checksum_is(name: str) -> None:
    """What is not bound to its place may be changed, but gives no other value."""

    def cases(lab: Lab) -> Cases:
        data = lab.bytes_of()
        head = len(data) - 4 - len(lab.entry().payload or b"")
        for case, changed in islice(flipped(data), head):
            yield Call(case, lambda changed=changed: gives_no_other(lab, changed))  # type: ignore[misc]
        yield Call("as it was", lambda: lab.read(data, VALUE))

    def gives_no_other(lab: Lab, data: bytes) -> str:
        wrong = lab.read(checked(data), VALUE)
        return "" if wrong == "is a miss that is not counted" else wrong

    harm_nobody(formats(name), cases)


@with_steps
def test_envelopes_of_another_key_and_of_other_formats(name: str) -> None:
    def cases(lab: Lab) -> Cases:
        data, entry = lab.bytes_of(), lab.entry()
        named: list[Named] = [("the envelope of another key", lab.bytes_of(OTHER))]
        named.append(("an unknown flag", checked(data[:4] + b"\x80" + data[5:])))
        named += (
            (f"format {number}", checked(data[:2] + bytes((number,)) + data[3:]))
            for number in (0, 3, 4, 255)
        )
        named += (
            ("another serializer", changed(entry, codec="yaml")),
            ("one more step", changed(entry, codec=f"{lab.form.id}+zstd")),
            ("another schema", changed(entry, schema=b"schema")),
        )
        yield from all_refused(lab, named, every=1)
        yield Call("as it was", lambda: lab.read(data, VALUE))

    harm_nobody(formats(name), cases)


def changed(entry: Entry, **changes: Any) -> bytes:
    """An envelope for `K` of the same entry, but for these attributes."""
    other = entry.copy()
    other.born = entry.born
    for attribute, value in changes.items():
        setattr(other, attribute, value)
    return pack(K, other)


# -- what is in them


@with_steps
def test_payloads_that_were_damaged(name: str) -> None:
    """Without a key nobody can tell: then it may be read as something else, but does no harm."""

    def cases(lab: Lab) -> Cases:
        payload = lab.entry().payload or b""
        named = [
            *flipped(payload),
            *islice(cut(payload), 0, None, 3),
            ("more", payload + b"\0"),
            ("twice", payload * 2),
        ]
        damaged = [(case, lab.with_payload(data)) for case, data in named]
        if lab.form.guarded:
            yield from all_refused(lab, damaged)
        else:
            for case, data in damaged:
                yield Call(case, lambda data=data: lab.harmless(data))  # type: ignore[misc]

    harm_nobody(formats(name), cases)


@with_steps
def test_a_payload_of_another_place(name: str) -> None:
    """What is bound to its key, codec, schema and version is worth nothing elsewhere."""

    def cases(lab: Lab) -> Cases:
        lab.do(lab.cache.set("k", VALUE, version="1"))
        places = {
            "another key": changed(lab.entry(OTHER)),
            "another version": changed(lab.entry(), revision="2"),
            "no version": changed(lab.entry(), revision=""),
        }
        for case, data in places.items():
            if lab.form.guarded:
                yield from all_refused(lab, [(case, data)], every=1)
            else:
                yield Call(case, lambda data=data: lab.read(data, VALUE, ANOTHER))  # type: ignore[misc]

    harm_nobody(formats(name), cases)


@with_steps
def test_payloads_of_all_other_formats_under_the_name_of_this_one(
    name: str, written: dict[Format, bytes]
) -> None:
    def cases(lab: Lab) -> Cases:
        for other, payload in written.items():
            data = lab.with_payload(payload)
            allowed = [] if lab.form.guarded else readable(lab.form, other)
            if other.id != lab.form.id:
                yield Call(f"of {other.id}", lambda a=data, b=allowed: lab.read(a, *b))  # type: ignore[misc]

    harm_nobody(formats(name), cases)


def readable(form: Format, other: Format) -> list[Any]:
    """JSON is JSON, whoever writes it, if it passes through the same steps."""
    texts = {"orjson", "pydantic"}
    both = {form.serializer.id, other.serializer.id} <= texts
    steps = ([step.id for step in each.steps] for each in (form, other))
    return [VALUE] if both and next(steps) == next(steps) else []


# -- what is made to do harm


@pytest.fixture(scope="module")
def written() -> dict[Format, bytes]:
    """What each format makes of one value."""
    made: dict[Format, bytes] = {}
    for form in every_format():
        lab = Lab(form)
        made[form] = lab.entry().payload or b""
        lab.close()
    return made


@pytest.fixture(scope="module")
def packed() -> tuple[Named, ...]:
    """The bombs, made before a child is forked that would make them for itself."""
    marked = ((f"{case}, with the marker of a step", b"\1" + data) for case, data in bombs())
    return *bombs(), *(each for each in marked if "zstd" in each[0])


@with_steps
def test_bytes_that_are_made_to_do_harm(
    name: str, packed: tuple[Named, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given to the serializer, and what grows to each of the steps, too."""
    trap = hostile.Trap(tmp_path)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])

    def harmful() -> Iterator[Named]:
        yield from hostile.nested([])
        yield from islice(hostile.claims([]), 0, None, 7)
        yield from islice(hostile.foreign(), 257, None)
        yield from trap.baits([])

    def cases(lab: Lab) -> Cases:
        for (case, data), places in chain(zip(harmful(), repeat(1)), zip(packed, repeat(9))):
            for depth, payload in enumerate(islice(lab.payloads(data), places)):
                look = lab.read if depth or lab.form.guarded_alone else lab.harmless
                shown, made = f"{case}, where step {depth} begins", lab.with_payload(payload)
                yield Call(shown, lambda look=look, made=made: look(made))  # type: ignore[misc]
        yield from all_refused(lab, [("no bytes", lab.with_payload(b""))], every=1)

    harm_nobody(formats(name), cases)
    assert not trap.sprung, trap.sprung


@with_steps
def test_a_load_replaces_what_is_made_to_do_harm(
    name: str, packed: tuple[Named, ...], tmp_path: Path
) -> None:
    """One bomb of each kind that the format may meet, and one pickle."""
    trap = hostile.Trap(tmp_path)

    def cases(lab: Lab) -> Cases:
        chosen = [packed[5], packed[-1], *islice(hostile.nested([]), 0, 2)]
        chosen += [bait for bait in trap.baits([]) if "pickle 5" in bait[0]]
        for case, data in chosen:
            made = [(case, lab.with_payload(each)) for each in lab.payloads(data)]
            yield from all_refused(lab, made, every=1)

    harm_nobody(formats(name), cases)
    assert not trap.sprung, trap.sprung


def test_what_is_loaded_is_what_is_stored() -> None:
    """The lab itself works, and tells when something is read that should not be."""
    lab = Lab(formats("alone")[0])
    try:
        assert lab.read(lab.bytes_of()) == f"was read as {VALUE!r}"
        assert lab.read(lab.bytes_of(), VALUE) == ""
        assert lab.do(lab._healed(lab.bytes_of())) == f"gave {[VALUE] * 3!r} after 0 loads"
        assert lab.refused(b"") == ""
        assert unpack(K, lab.bytes_of(), lab.backend.clock).codec == "msgpack"
        assert lab.read(lab.bytes_of(), LOADED) == ""
    finally:
        lab.close()
