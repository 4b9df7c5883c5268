"""Signed bytes are read by who holds the key, in their place, and are else unreadable."""

import hashlib
import hmac
import tracemalloc
from array import array
from collections import deque
from itertools import product
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cachekit.errors import ConfigurationError, UnreadableError
from cachekit.keyring import Key, KeyRing
from cachekit.signing import Algorithm, Signing
from cachekit.step import Step
from cachekit.testing.steps import StepSuite

OLD, NEW, OTHER = (bytes((number,)) * 32 for number in (1, 2, 3))
ALGORITHMS: tuple[Algorithm, ...] = get_args(Algorithm)
LIMIT = 10_000

# Two keys whose ids are the same for the purpose "test", found by trying 146,024 of them.
TWINS = [number.to_bytes(32, "big") for number in (44008, 146023)]

each_algorithm = pytest.mark.parametrize("algorithm", ALGORITHMS)


def unreadable(step: Step, data: bytes, context: bytes = b"", limit: int = LIMIT) -> str:
    with pytest.raises(UnreadableError) as refused:
        step.decode(data, context, limit)
    return str(refused.value)


@each_algorithm
@given(data=st.binary(), context=st.binary(), longer=st.binary(min_size=32, max_size=200))
def test_what_was_signed_comes_back(
    algorithm: Algorithm, data: bytes, context: bytes, longer: bytes
) -> None:
    for keys in ([OLD], [longer], (OTHER, longer)):
        step: Step = Signing(keys, algorithm)
        signed = step.encode(data, context)
        assert len(signed) == 36 + len(data)
        assert step.decode(signed, context, len(data)) == data
        assert Signing(keys, algorithm).encode(data, context) == signed


def test_the_bytes_are_as_they_are_written_down() -> None:
    covered = (3).to_bytes(8, "big") + b"ctx" + b"data"
    signed = Signing([OLD], "hmac-sha256").encode(b"data", b"ctx")
    assert signed[4:] == hmac.digest(OLD, covered, "sha256") + b"data"
    signed = Signing([OLD]).encode(b"data", b"ctx")
    keyed = hashlib.blake2b(covered, key=OLD, digest_size=32, person=b"cachekit sign")
    assert signed[4:] == keyed.digest() + b"data"


GOLDEN = {
    "blake2b": "1a297746f4b1f37720a4bc776c86054d1e1ce1be5041190ec9f054f9a1f50ba6c4050f6464617461",
    "hmac-sha256": "a0be0825"
    "70c79f89cbf581d3c0cb480c99615e71d706e02884450985b3692672d663b809"
    "64617461",
}


@each_algorithm
def test_the_bytes_stay_what_they_are(algorithm: Algorithm) -> None:
    assert Signing([OLD], algorithm).encode(b"data", b"context").hex() == GOLDEN[algorithm]


@each_algorithm
def test_its_id_is_the_algorithm(algorithm: Algorithm) -> None:
    assert Signing([OLD], algorithm).id == algorithm
    assert Signing([OLD]).id == "blake2b"


@each_algorithm
def test_keys_are_rotated(algorithm: Algorithm) -> None:
    before, between, after = (Signing(keys, algorithm) for keys in ([OLD], [NEW, OLD], [NEW]))
    old, new = before.encode(b"a", b"x"), between.encode(b"a", b"x")
    assert between.decode(old, b"x", 1) == between.decode(new, b"x", 1) == b"a"
    assert after.decode(new, b"x", 1) == after.decode(after.encode(b"a", b"x"), b"x", 1) == b"a"
    assert new == after.encode(b"a", b"x") != old
    said = unreadable(after, old, b"x")
    assert f"{old[:4].hex()} is not among keys=, which are {new[:4].hex()}" in said
    assert Signing([OLD, NEW], algorithm).decode(new, b"x", 1) == b"a"
    unreadable(before, new, b"x")


@each_algorithm
def test_every_changed_bit_is_seen(algorithm: Algorithm) -> None:
    step = Signing([OLD, NEW], algorithm)
    signed = step.encode(b"data", b"x")
    for at, bit in product(range(len(signed)), range(8)):
        unreadable(step, signed[:at] + bytes((signed[at] ^ 1 << bit,)) + signed[at + 1 :], b"x")


@each_algorithm
def test_every_truncation_and_every_addition_is_seen(algorithm: Algorithm) -> None:
    step = Signing([OLD], algorithm)
    for data in (b"", b"data"):
        signed = step.encode(data, b"x")
        for end in range(len(signed)):
            unreadable(step, signed[:end], b"x")
        unreadable(step, signed + b"\0", b"x")
        unreadable(step, b"\0" + signed, b"x")


@each_algorithm
@given(data=st.binary(max_size=9), context=st.binary(max_size=9), other=st.binary(max_size=9))
def test_in_another_place_they_are_worth_nothing(
    algorithm: Algorithm, data: bytes, context: bytes, other: bytes
) -> None:
    step = Signing([OLD], algorithm)
    signed = step.encode(data, context)
    if other != context:
        unreadable(step, signed, other)
    if data:  # the same bytes, cut elsewhere
        unreadable(step, signed[:36] + data[1:], context + data[:1])
        unreadable(step, signed[:36] + context[-1:] + data, context[:-1] + b"?")


def test_no_byte_chooses_the_algorithm() -> None:
    for one, other in ((0, 1), (1, 0)):
        writer, reader = Signing([OLD], ALGORITHMS[one]), Signing([OLD], ALGORITHMS[other])
        signed = writer.encode(b"data", b"x")
        unreadable(reader, signed, b"x")
        unreadable(reader, reader.encode(b"", b"x")[:4] + signed[4:], b"x")


def test_the_id_of_one_key_over_the_signature_of_another() -> None:
    step = Signing([OLD, NEW])
    old, new = Signing([OLD]).encode(b"a", b"x"), Signing([NEW]).encode(b"a", b"x")
    unreadable(step, old[:4] + new[4:], b"x")
    unreadable(step, new[:4] + old[4:], b"x")


def test_more_than_the_limit_is_refused_before_it_is_copied() -> None:
    step = Signing([OLD])
    signed = step.encode(bytes(10_000_000), b"x")
    tracemalloc.start()
    try:
        assert "at most 9999999 bytes" in unreadable(step, signed, b"x", 9_999_999)
        assert tracemalloc.get_traced_memory()[1] < 100_000
    finally:
        tracemalloc.stop()
    assert len(step.decode(signed, b"x", 10_000_000)) == 10_000_000


BAD_KEYS: list[tuple[Any, str]] = [
    ([], r"a list of keys, not an empty one: keys=\[key\], .* secrets\.token_bytes\(32\)"),
    ((), r"a list of keys, not an empty one"),
    (OLD, r"a list of keys, not a bytes: keys=\[key\]"),
    (bytearray(OLD), r"a list of keys, not a bytearray"),
    ("s" * 64, r"a list of keys, not a str"),
    (None, r"a list of keys, not a NoneType"),
    ({OLD}, r"a list of keys, not a set"),
    (iter([OLD]), r"a list of keys, not a list_iterator"),
    (
        ["s" * 64],
        r"keys\[0\] must be bytes, not a str: .*token_bytes\(32\).*bytes\.fromhex\(\.\.\.\)",
    ),
    ([OLD, 5], r"keys\[1\] must be bytes, not an int"),
    ([OLD, None], r"keys\[1\] must be bytes, not a NoneType"),
    ([array("B", OLD)], r"keys\[0\] must be bytes, not an array"),
    ([OLD, b"s" * 31], r"keys\[1\] must have 32 bytes at least, not 31: keys= takes what"),
    ([b""], r"keys\[0\] must have 32 bytes at least, not 0"),
    ([OLD, NEW, OLD], r"keys\[2\] is in keys= already: name each key once"),
]


@each_algorithm
@pytest.mark.parametrize(("keys", "message"), BAD_KEYS, ids=lambda part: type(part).__name__)
def test_keys_that_are_none(keys: Any, message: str, algorithm: Algorithm) -> None:
    with pytest.raises(ConfigurationError, match=message) as refused:
        Signing(keys, algorithm)
    assert "keys=" in str(refused.value)
    assert "ssss" not in str(refused.value)
    assert repr(OLD)[2:8] not in str(refused.value)


def test_any_sequence_of_keys_will_do() -> None:
    assert Signing(deque([OLD])).encode(b"", b"") == Signing([OLD]).encode(b"", b"")


@pytest.mark.parametrize("algorithm", ["sha256", "", "BLAKE2B", None, 5])
def test_an_algorithm_that_is_none(algorithm: Any) -> None:
    with pytest.raises(ConfigurationError, match="algorithm= is 'blake2b' or 'hmac-sha256', not"):
        Signing([OLD], algorithm)


def test_two_keys_with_one_id_are_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"keys\[1\] has the same id as another of keys="):
        KeyRing(TWINS, purpose="test", size=32)
    assert KeyRing(TWINS, purpose="another", size=32).current.secret == TWINS[0]


def test_the_size_of_a_key_may_be_exact() -> None:
    assert KeyRing([OLD], purpose="test", size=32, exact=True).current.secret == OLD
    for key in (OLD + b"a", OLD[1:]):
        with pytest.raises(ConfigurationError, match=r"must have 32 bytes, not 3[13]: keys= "):
            KeyRing([key], purpose="test", size=32, exact=True)


def test_the_first_key_is_the_current_one_and_all_are_found_by_id() -> None:
    ring = KeyRing([NEW, OLD], purpose="test", size=16)
    old = KeyRing([OLD], purpose="test", size=16).current
    assert ring.current == ring.named(ring.current.id) == Key(ring.current.id, NEW)
    assert ring.named(old.id) == old
    assert len(old.id) == 4
    assert old.id != KeyRing([OLD], purpose="tests", size=16).current.id
    for name in (b"", b"none", old.id + b"\0"):
        with pytest.raises(UnreadableError, match=r"is not among keys="):
            ring.named(name)


def test_nothing_shows_a_key() -> None:
    ring = KeyRing([b"s" * 32], purpose="test", size=32)
    named = ring.current.id.hex()
    shown = [repr(ring), str(ring.current), f"{ring.current!r}", repr(Signing([b"s" * 32]))]
    assert [text for text in shown if "ssss" in text or (b"s" * 32).hex() in text] == []
    assert named in repr(ring)
    assert repr(Signing([b"s" * 32])).startswith("Signing(KeyRing(")


class TestBlake2b(StepSuite):
    guards = True
    hides = False
    unreadable = UnreadableError

    @pytest.fixture
    def step(self) -> Step:
        return Signing([OLD])


class TestHmacSha256(StepSuite):
    guards = True
    hides = False
    unreadable = UnreadableError

    @pytest.fixture
    def step(self) -> Step:
        return Signing([NEW, OLD], "hmac-sha256")
