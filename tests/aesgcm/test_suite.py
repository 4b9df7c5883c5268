"""The suite for authors of steps, on this one."""

import pytest

from cachekit.errors import UnreadableError
from cachekit.testing.steps import StepSuite
from cachekit_aesgcm import AesGcmEncryption


class TestAesGcm(StepSuite):
    guards = True
    hides = True
    unreadable = UnreadableError

    @pytest.fixture
    def step(self) -> AesGcmEncryption:
        return AesGcmEncryption([bytes(range(32)), bytes(32)])
