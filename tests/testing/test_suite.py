"""No test of a suite is replaced in silence."""

from typing import Any

import pytest

from cachekit.testing.suite import Suite


class Kit(Suite):
    def test_it(self) -> None:
        assert True


class Hidden:
    def test_it(self) -> None:
        assert True


def fitted(test: Any, *bases: type) -> Any:
    """What an author would make of the kit."""
    return type("TestMine", (*bases, Kit), {} if test is None else {"test_it": test})


@pytest.mark.xfail(reason="the store forgets")
def explained(self: Any) -> None:
    raise AssertionError


@pytest.mark.xfail
def unexplained(self: Any) -> None:
    raise AssertionError


@pytest.mark.skip(reason="no time")
def skipped(self: Any) -> None:
    raise AssertionError


@pytest.mark.parametrize("test", [Hidden.test_it, unexplained, skipped, 0, "no"])
def test_a_test_that_is_replaced_is_an_error(test: Any) -> None:
    with pytest.raises(TypeError, match=r"TestMine\.test_it replaces .*xfail\(reason="):
        fitted(test)


def test_by_another_base_too() -> None:
    with pytest.raises(TypeError, match=r"TestMine\.test_it replaces"):
        fitted(None, Hidden)


def test_one_that_says_why_it_must_fail_is_none() -> None:
    assert fitted(explained).test_it is explained
    assert fitted(None).test_it is Kit.test_it


def test_nor_is_what_the_suite_does_not_have() -> None:
    class Mine(Kit):
        def test_more(self) -> None:
            assert True

    assert Mine.test_it is Kit.test_it
