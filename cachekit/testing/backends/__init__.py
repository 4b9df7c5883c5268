"""Tests that every backend must pass: subclass `BackendSuite` in your tests."""

import pkgutil

import pytest

# Before they are imported: without, a failed assertion would say no more than that it failed.
pytest.register_assert_rewrite(
    *(f"{__name__}.{found.name}" for found in pkgutil.iter_modules(__path__))
)

from cachekit.testing.backends.door import BackDoor  # noqa: E402
from cachekit.testing.backends.suite import BackendSuite  # noqa: E402

__all__ = ["BackDoor", "BackendSuite"]
