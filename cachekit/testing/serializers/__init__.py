"""Tests that every serializer must pass: subclass `SerializerSuite` in your tests."""

import pytest

# Before they are imported: without, a failed assertion would say no more than that it failed.
pytest.register_assert_rewrite(
    *(f"{__name__}.{name}" for name in ("suite", "given", "refusals", "binding"))
)

from cachekit.testing.serializers.suite import SerializerSuite  # noqa: E402

__all__ = ["SerializerSuite"]
