"""Tests that every step must pass: subclass `StepSuite` in your tests."""

import pytest

# Before they are imported: without, a failed assertion would say no more than that it failed.
pytest.register_assert_rewrite(*(f"{__name__}.{name}" for name in ("suite", "given", "guarding")))

from cachekit.testing.steps.suite import StepSuite  # noqa: E402

__all__ = ["StepSuite"]
