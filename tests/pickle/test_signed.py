"""Nothing is unpickled that was not signed with a key of ours, for this place."""

import os
import pickle
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cachekit.errors import ConfigurationError, EncodeError, UnreadableError
from cachekit.registry import serializer_named
from cachekit.serializer import BoundSerializer, Serializer
from cachekit.signing import Algorithm, Signing
from cachekit.testing.shapes import shape
from cachekit_msgpack import MsgpackSerializer
from cachekit_pickle import PickleSerializer
from tests.entry.strategies import VALUES

OLD, NEW, OTHER = (bytes((number,)) * 32 for number in (1, 2, 3))
ALGORITHMS: tuple[Algorithm, ...] = get_args(Algorithm)
CONTEXTS = [None, b"", b"a", b"cachekit_pickle", bytes(200)]

each_algorithm = pytest.mark.parametrize("algorithm", ALGORITHMS)


def placed(serializer: PickleSerializer, context: bytes | None) -> Serializer:
    return serializer if context is None else serializer.bind(context)


def unreadable(serializer: Serializer, data: bytes) -> str:
    with pytest.raises(UnreadableError) as refused:
        serializer.loads(data)
    return str(refused.value)


@each_algorithm
@given(VALUES, st.sampled_from(CONTEXTS))
def test_a_value_comes_back_where_it_was_written(
    algorithm: Algorithm, value: Any, context: bytes | None
) -> None:
    serializer: Serializer = placed(PickleSerializer([OLD], algorithm), context)
    data = serializer.dumps(value)
    assert data[36:] == pickle.dumps(value, 5)
    assert shape(serializer.loads(data)) == shape(value)


@each_algorithm
def test_in_another_place_it_is_worth_nothing(algorithm: Algorithm) -> None:
    serializer = PickleSerializer([OLD], algorithm)
    for one, other in product(CONTEXTS, CONTEXTS):
        data = placed(serializer, one).dumps("value")
        if (one or b"") == (other or b""):
            assert placed(serializer, other).loads(data) == "value"
        else:
            unreadable(placed(serializer, other), data)


def test_it_says_that_it_signs_its_bytes_itself() -> None:
    serializer = PickleSerializer([OLD])
    assert isinstance(serializer, BoundSerializer)
    for one in (serializer, serializer.bind(b"a")):
        assert (one.id, one.fingerprint) == ("pickle-blake2b", b"")
    assert PickleSerializer([OLD], "hmac-sha256").bind(b"a").id == "pickle-hmac-sha256"


def test_keys_are_rotated() -> None:
    before, between, after = (PickleSerializer(keys) for keys in ([OLD], [NEW, OLD], [NEW]))
    old, new = before.dumps(1), between.dumps(1)
    assert between.loads(old) == between.loads(new) == after.loads(new) == 1
    assert new == after.dumps(1) != old
    assert "is not among" in unreadable(after, old)
    unreadable(before, new)


def test_no_byte_chooses_the_algorithm() -> None:
    for one, other in (ALGORITHMS, ALGORITHMS[::-1]):
        written = PickleSerializer([OLD], one).dumps(1)
        reader = PickleSerializer([OLD], other)
        unreadable(reader, written)
        unreadable(reader, reader.dumps(1)[:4] + written[4:])


@each_algorithm
def test_every_changed_byte_and_every_truncation_is_seen(algorithm: Algorithm) -> None:
    serializer = PickleSerializer([OLD], algorithm).bind(b"a")
    data = serializer.dumps({"a": [1]})
    for at, change in product(range(len(data)), (1, 0x80, 0xFF)):
        unreadable(serializer, data[:at] + bytes((data[at] ^ change,)) + data[at + 1 :])
    for end in range(len(data)):
        unreadable(serializer, data[:end])
    unreadable(serializer, data + b".")


class Canary:
    """Makes a folder when it is unpickled."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __reduce__(self) -> tuple[Callable[[str], None], tuple[str]]:
        return os.mkdir, (str(self._folder),)


def signed_by_hand(
    value: object, key: bytes, context: bytes, algorithm: Algorithm = "blake2b"
) -> bytes:
    """What a serializer makes that does not look whether it can be unpickled."""
    data = pickle.dumps(value, 5)
    return Signing([key], algorithm).encode(data, b"cachekit_pickle" + context)


def wrappings(canary: Canary) -> Iterator[tuple[str, bytes]]:
    """The pickle of `canary` in every form that who has no key, or not for this, can give it."""
    good = PickleSerializer([OLD]).bind(b"a").dumps("value")
    for number in range(6):
        bomb = pickle.dumps(canary, number)
        yield f"{number} alone", bomb
        yield f"{number} after the head of a value", good[:36] + bomb
        yield f"{number} after a whole value", good + bomb
        yield f"{number} before a value", bomb + good
        yield f"{number} after the id of a key and no MAC", good[:4] + bomb
        yield f"{number} after zeros", bytes(36) + bomb
        yield f"{number} as text", repr(bomb).encode()
        yield f"{number} in msgpack", MsgpackSerializer().dumps(bomb)
        yield f"{number} in a pickle", pickle.dumps(bomb)
        for algorithm in ALGORITHMS:
            for context in (b"", b"a", b"b", b"cachekit_pickleb"):
                signed = Signing([OLD], algorithm).encode(bomb, context)
                yield f"{number} signed by a step, {algorithm} {context!r}", signed
            signed = Signing([OTHER], algorithm).encode(bomb, b"cachekit_picklea")
            yield f"{number} signed with another key", signed
            yield f"{number} signed with another key, under the id of ours", good[:4] + signed[4:]
    for place in (b"", b"b"):
        yield f"moved from {place!r}", signed_by_hand(canary, OLD, place)
    yield "signed with the other algorithm", signed_by_hand(canary, OLD, b"a", "hmac-sha256")
    yield "of a removed key", signed_by_hand(canary, NEW, b"a")


def test_a_canary_is_not_touched_whatever_it_is_wrapped_in(tmp_path: Path) -> None:
    folder = tmp_path / "touched"
    reader = PickleSerializer([OLD]).bind(b"a")
    for name, data in wrappings(Canary(folder)):
        unreadable(reader, data)
        assert not folder.exists(), name
    reader.loads(signed_by_hand(Canary(folder), OLD, b"a"))
    assert folder.exists(), "the canary would not have sung at all"


class Gone:
    pass


class Failing:
    def __setstate__(self, state: object) -> None:
        raise RuntimeError("not like this")


def test_what_names_a_class_that_is_gone_is_unreadable(monkeypatch: pytest.MonkeyPatch) -> None:
    serializer = PickleSerializer([OLD])
    data = serializer.dumps(Gone())
    assert isinstance(serializer.loads(data), Gone)
    monkeypatch.delattr(f"{__name__}.Gone")
    assert "signed, but cannot be unpickled: AttributeError: " in unreadable(serializer, data)


def test_what_fails_while_it_is_unpickled_is_unreadable_and_refused_at_once() -> None:
    serializer = PickleSerializer([OLD])
    failing = Failing()
    failing.__dict__["a"] = 1
    data = signed_by_hand(failing, OLD, b"")
    assert "RuntimeError: not like this" in unreadable(serializer, data)
    with pytest.raises(EncodeError, match="Failing cannot be pickled: RuntimeError: not like this"):
        serializer.dumps(failing)


def lists(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


REFUSED: list[tuple[Any, str]] = [
    (lambda: None, r"a builtins\.function cannot be pickled: .*; cache the values that it is made"),
    ((item for item in "ab"), r"a builtins\.generator cannot be pickled: TypeError: "),
    ([memoryview(b"a")], r"a builtins\.list cannot be pickled: .*memoryview"),
    (lists(100_000), r"a builtins\.list cannot be pickled: it is nested too deep"),
]


@pytest.mark.parametrize(("value", "message"), REFUSED, ids=range(len(REFUSED)))
def test_what_cannot_be_pickled_is_refused_by_name(value: Any, message: str) -> None:
    for serializer in (PickleSerializer([OLD]), PickleSerializer([OLD]).bind(b"a")):
        with pytest.raises(EncodeError, match=message):
            serializer.dumps(value)


def test_a_circle_comes_back_as_one() -> None:
    value: list[Any] = []
    value.append(value)
    serializer = PickleSerializer([OLD])
    made = serializer.loads(serializer.dumps(value))
    assert made[0] is made


def test_without_keys_it_is_an_error_that_says_what_to_write() -> None:
    message = (
        r"keys=, else whoever can write .*=PickleSerializer\(keys=\[key\]\).*token_bytes\(32\)"
    )
    with pytest.raises(ConfigurationError, match=message):
        PickleSerializer()
    with pytest.raises(ConfigurationError, match=message):
        serializer_named("pickle")


@pytest.mark.parametrize("keys", [[], OLD, "s" * 64, ["s" * 64], [b"short"], [OLD, OLD]])
def test_keys_that_are_none(keys: Any) -> None:
    with pytest.raises(ConfigurationError, match="keys="):
        PickleSerializer(keys)


def test_an_algorithm_that_is_none() -> None:
    algorithm: Any = "md5"
    with pytest.raises(ConfigurationError, match="algorithm="):
        PickleSerializer([OLD], algorithm)
