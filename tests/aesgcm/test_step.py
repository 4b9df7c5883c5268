"""What is encrypted, with which key, and what is refused."""

import hashlib
import os
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from cachekit.errors import ConfigurationError, UnreadableError
from cachekit_aesgcm import AesGcmEncryption

OLD, NEW, OTHER = (bytes((number,)) * 32 for number in b"\x81\x82\x83")
STEP = AesGcmEncryption([NEW, OLD])
CONTEXT = b"\x05v:key"
OVERHEAD = 4 + 24 + 16


def refused(step: AesGcmEncryption, data: bytes, why: str, limit: int = 1000) -> None:
    with pytest.raises(UnreadableError, match=why):
        step.decode(data, CONTEXT, limit)


def test_its_name() -> None:
    assert STEP.id == "aesgcm"


# -- rotation


def test_the_first_key_encrypts() -> None:
    stored = STEP.encode(b"value", CONTEXT)
    assert AesGcmEncryption([NEW]).decode(stored, CONTEXT, 5) == b"value"
    refused(AesGcmEncryption([OLD]), stored, "is not among")


@pytest.mark.parametrize("key", [NEW, OLD])
def test_all_keys_decrypt(key: bytes) -> None:
    stored = AesGcmEncryption([key]).encode(b"value", CONTEXT)
    assert STEP.decode(stored, CONTEXT, 5) == b"value"


def test_a_key_is_replaced_in_three_steps_while_everything_stays_readable() -> None:
    before, between = AesGcmEncryption([OLD]), AesGcmEncryption([OLD, NEW])
    pairs = [(before, between), (between, STEP), (STEP, AesGcmEncryption([NEW]))]
    for one, other in pairs[:2]:
        for writer, reader in ((one, other), (other, one)):
            assert reader.decode(writer.encode(b"v", CONTEXT), CONTEXT, 1) == b"v"
    writer, reader = pairs[2]
    assert reader.decode(writer.encode(b"v", CONTEXT), CONTEXT, 1) == b"v"


def test_what_a_removed_key_encrypted_is_refused() -> None:
    refused(STEP, AesGcmEncryption([OTHER]).encode(b"value", CONTEXT), "is not among")


# -- nonces


def derived(secret: bytes, stored: bytes) -> bytes:
    """What the docstring says that an entry is encrypted with: 32 bytes of key, 12 of nonce."""
    return hashlib.blake2b(stored[4:28], key=secret, person=b"cachekit aesgcm").digest()


def test_the_key_and_nonce_of_an_entry_are_derived_as_the_page_says() -> None:
    stored = STEP.encode(b"value", CONTEXT)
    made = derived(NEW, stored)
    assert len(made) == 64
    assert AESGCM(made[:32]).decrypt(made[32:44], stored[28:], CONTEXT) == b"value"


def test_no_key_and_no_nonce_is_ever_used_twice() -> None:
    stored = [STEP.encode(b"value", CONTEXT) for _ in range(5000)]
    made = [derived(NEW, data) for data in stored]
    assert len({it[:32] for it in made}) == len({it[32:44] for it in made}) == 5000
    assert len({data[28:] for data in stored}) == 5000


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
def test_a_forked_process_does_not_repeat_them() -> None:
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.write(writing, STEP.encode(b"value", CONTEXT))
        os._exit(0)
    os.waitpid(child, 0)
    there = os.read(reading, 1000)
    os.close(reading)
    os.close(writing)
    assert there[4:28] != STEP.encode(b"value", CONTEXT)[4:28]
    assert STEP.decode(there, CONTEXT, 5) == b"value"


# -- what is refused


def test_what_is_over_the_limit_is_refused_before_it_is_decrypted() -> None:
    stored = STEP.encode(b"value", CONTEXT)
    damaged = stored[:-1] + bytes((stored[-1] ^ 1,))
    refused(STEP, stored, "5 bytes encrypted, and the limit is 4", limit=4)
    refused(STEP, damaged, "5 bytes encrypted, and the limit is 4", limit=4)
    refused(STEP, damaged, "not encrypted for this entry")
    assert STEP.decode(stored, CONTEXT, 5) == b"value"


@pytest.mark.parametrize("size", [0, 3, 4, 27, 28, OVERHEAD - 1])
def test_what_is_too_short_to_be_anything_is_refused(size: int) -> None:
    refused(STEP, STEP.encode(b"", CONTEXT)[:size], "bytes encrypted")


def test_the_id_of_another_key_does_not_help() -> None:
    stored, other = STEP.encode(b"v", CONTEXT), AesGcmEncryption([OLD]).encode(b"v", CONTEXT)
    refused(STEP, other[:4] + stored[4:], "not encrypted for this entry")


@given(st.binary(max_size=200), st.binary(max_size=50), st.binary(max_size=50))
def test_data_of_one_context_is_worth_nothing_in_another(
    data: bytes, context: bytes, other: bytes
) -> None:
    stored = STEP.encode(data, context)
    assert len(stored) == len(data) + OVERHEAD
    assert STEP.decode(stored, context, len(data)) == data
    if other != context:
        with pytest.raises(UnreadableError):
            STEP.decode(stored, other, len(data))


# -- keys

WRONG: list[tuple[str, Callable[[], Any]]] = [
    ("keys[0] must have 32 bytes, not 31", lambda: AesGcmEncryption([NEW[:31]])),
    ("keys[1] must have 32 bytes, not 33", lambda: AesGcmEncryption([OLD, NEW + b"\x82"])),
    ("keys[0] must be bytes, not a str", lambda: AesGcmEncryption([NEW.hex()])),  # type: ignore[list-item]
    ("keys= takes a list of keys, not a bytes", lambda: AesGcmEncryption(NEW)),  # type: ignore[arg-type]
    ("keys= takes a list of keys, not an empty one", lambda: AesGcmEncryption([])),
    ("keys[1] is in keys= already", lambda: AesGcmEncryption([NEW, NEW])),
]


@pytest.mark.parametrize(("why", "make"), WRONG, ids=[why for why, _ in WRONG])
def test_what_is_no_key_is_an_error_that_does_not_show_it(
    why: str, make: Callable[[], Any]
) -> None:
    with pytest.raises(ConfigurationError) as raised:
        make()
    assert why in str(raised.value)
    shows_no_secret("".join(traceback.format_exception(raised.value)))


def test_nothing_shows_a_secret() -> None:
    with pytest.raises(UnreadableError) as raised:
        STEP.decode(STEP.encode(b"value", b""), CONTEXT, 5)
    shows_no_secret("".join(traceback.format_exception(raised.value)))
    shows_no_secret(f"{STEP!r} {STEP} {vars(STEP)}")
    assert repr(STEP).startswith("AesGcmEncryption(KeyRing(")


def shows_no_secret(text: str) -> None:
    for secret in (OLD, NEW):
        assert secret.hex()[:16] not in text
        assert repr(secret)[2:-1][:16] not in text


# -- threads


def test_one_step_serves_threads_at_once() -> None:
    def comes_back(number: int) -> bool:
        data, context = bytes((number,)) * 50_000, bytes((number,))
        return all(STEP.decode(STEP.encode(data, context), context, 50_000) == data for _ in "abcd")

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(comes_back, range(64)))
