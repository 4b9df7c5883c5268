"""Steps that guard bytes, and let something pass.

`test_steps` runs this file, and says which tests must fail.
"""

import hashlib
import hmac
import os

import pytest

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


class TestSignedLiars(StepSuite):
    guards = True
    unreadable = UnreadableError

    @pytest.fixture(params=Signed.__subclasses__(), ids=lambda liar: liar.__name__)
    def step(self, request: pytest.FixtureRequest) -> Signed:
        made: Signed = request.param()
        return made


class TestSigned(StepSuite):
    guards = True
    unreadable = UnreadableError

    @pytest.fixture
    def step(self) -> Signed:
        return Signed()
