"""What was written once is read for ever, with its key."""

import pytest

from cachekit_aesgcm import AesGcmEncryption

KEYS = [bytes(range(32)), bytes(range(32, 64))]
GOLDEN: list[tuple[bytes, bytes, str]] = [
    (
        b"",
        b"",
        "96c7e8b0 5ae617ffd31b7291f5853f70bd7e90e42c22dce2a44d3560 "
        "2ca6bf16c87d47d1cce2cdfe21fe570f",
    ),
    (
        b"value",
        b"context",
        "96c7e8b0 53da2cfae47eda57151284dce2a57e0e5920de7ed6595a32 12089b81ab"
        "e8b675a9c3cf8855d3c6c2e4899dcc45",
    ),
    (
        bytes(range(40)),
        b"\x05v:key\x07msgpack\0\0",
        "9422c829 928c5b83e8f35be1e507cc3d27f00fe2064d482b4ddd4651"
        "b276aecd5d7f358290e4d4f2ab26d1f670b2ef0cdd7614ad4e0d0ebb8e6d5634c005d6b4b00c17df"
        "135b4cdf39903845c3b40c749b1ea000",
    ),
]


@pytest.mark.parametrize("keys", [KEYS, KEYS[::-1]], ids=["keys", "keys_turned_round"])
@pytest.mark.parametrize(("data", "context", "stored"), GOLDEN, ids=["empty", "text", "bytes"])
def test_it_is_read(data: bytes, context: bytes, stored: str, keys: list[bytes]) -> None:
    step = AesGcmEncryption(keys)
    assert step.decode(bytes.fromhex(stored), context, len(data)) == data
