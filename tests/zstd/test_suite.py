"""The suite for authors of steps, on this one."""

import pytest

from cachekit.errors import UnreadableError
from cachekit.testing.steps import StepSuite
from cachekit_zstd import ZstdCompression


class TestZstd(StepSuite):
    guards = False
    hides = False
    unreadable = UnreadableError

    @pytest.fixture
    def step(self) -> ZstdCompression:
        return ZstdCompression()
