"""Steps that guard bytes, and let something pass.

`test_steps` runs this file, and says which tests must fail.
"""

import hashlib
import hmac
import os

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from cachekit.errors import UnreadableError
from cachekit.testing.steps import StepSuite


class Signed:
    """Right, for want of a lie: a code for authentication in front."""

    id = "signed"
    key = b"k" * 32

    def encode(self, data: bytes, context: bytes) -> bytes:
        return self.sign(data, context) + data

    def decode(self, data: bytes, context: bytes, limit: int) -> bytes:
        if len(data) > limit + 16:
            raise UnreadableError("too much")
        if not self.is_signed(data[:16], data[16:], context):
            raise UnreadableError("not signed")
        return data[16:]

    def sign(self, data: bytes, context: bytes) -> bytes:
        mac = hashlib.blake2b(len(context).to_bytes(4, "big"), key=self.key, digest_size=16)
        mac.update(context)
        mac.update(data)
        return mac.digest()

    def is_signed(self, code: bytes, data: bytes, context: bytes) -> bool:
        return hmac.compare_digest(code, self.sign(data, context))


class MakesUpAKey(Signed):
    key = os.urandom(32)


class ForgetsTheContext(Signed):
    def sign(self, data: bytes, context: bytes) -> bytes:
        return super().sign(data, b"")


class KnowsTheKeyOnly(Signed):
    """Of the context."""

    def sign(self, data: bytes, context: bytes) -> bytes:
        return super().sign(data, context[:6])


class LooksAtHalfTheCode(Signed):
    def is_signed(self, code: bytes, data: bytes, context: bytes) -> bool:
        return hmac.compare_digest(code[:8], self.sign(data, context)[:8])


class SignsTheBeginning(Signed):
    def sign(self, data: bytes, context: bytes) -> bytes:
        return super().sign(data[:200], context)


class LetsUnsignedPass(Signed):
    """So that old entries stay readable."""

    def decode(self, data: bytes, context: bytes, limit: int) -> bytes:
        return data if len(data) < 16 else super().decode(data, context, limit)


class SignsNoBorder(Signed):
    """Between the context and the data."""

    def sign(self, data: bytes, context: bytes) -> bytes:
        return hashlib.blake2b(context + data, key=self.key, digest_size=16).digest()


class SignsTheContextLast(Signed):
    def sign(self, data: bytes, context: bytes) -> bytes:
        return hashlib.blake2b(data + context, key=self.key, digest_size=16).digest()


class SignsAColonBetween(Signed):
    def sign(self, data: bytes, context: bytes) -> bytes:
        return hashlib.blake2b(context + b":" + data, key=self.key, digest_size=16).digest()


class Hidden:
    """Right, for want of a lie: AES-GCM, of which its own tests show that the truth passes."""

    id = "hidden"
    key = b"k" * 32

    def encode(self, data: bytes, context: bytes) -> bytes:
        nonce = self.nonce()
        return nonce + AESGCM(self.key).encrypt(nonce, data, context)

    def decode(self, data: bytes, context: bytes, limit: int) -> bytes:
        if len(data) > limit + 28:
            raise UnreadableError("too much")
        try:
            return AESGCM(self.key).decrypt(data[:12], data[12:], context)
        except (InvalidTag, ValueError) as error:
            raise UnreadableError("not signed") from error

    def nonce(self) -> bytes:
        return os.urandom(12)


class FixesTheNonce(Hidden):
    def nonce(self) -> bytes:
        return bytes(12)


class CountsFromZero(Hidden):
    count = 0

    def nonce(self) -> bytes:
        self.count += 1
        return self.count.to_bytes(12, "big")


class HidesNothing(Hidden):
    """Of what it was given."""

    def encode(self, data: bytes, context: bytes) -> bytes:
        return self.nonce() + data


class HidesEachBlockAlike(Hidden):
    """What ECB is known for."""

    def encode(self, data: bytes, context: bytes) -> bytes:
        blocks = Cipher(algorithms.AES(self.key), modes.ECB()).encryptor()
        return self.nonce() + blocks.update(data + bytes(-len(data) % 16)) + blocks.finalize()


class TestSignedLiars(StepSuite):
    guards = True
    hides = False
    unreadable = UnreadableError

    @pytest.fixture(params=Signed.__subclasses__(), ids=lambda liar: liar.__name__)
    def step(self, request: pytest.FixtureRequest) -> Signed:
        made: Signed = request.param()
        return made


class TestSigned(StepSuite):
    guards = True
    hides = False
    unreadable = UnreadableError

    @pytest.fixture
    def step(self) -> Signed:
        return Signed()


class TestHiddenLiars(StepSuite):
    guards = True
    hides = True
    unreadable = UnreadableError

    @pytest.fixture(params=Hidden.__subclasses__(), ids=lambda liar: liar.__name__)
    def step(self, request: pytest.FixtureRequest) -> Hidden:
        made: Hidden = request.param()
        return made
