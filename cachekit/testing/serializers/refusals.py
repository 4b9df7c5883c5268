"""What cannot come back as it was, and that `dumps` says so."""

from bisect import bisect_left
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Final

import pytest

from cachekit.errors import EncodeError
from cachekit.serializer import Serializer
from cachekit.testing.child import Call
from cachekit.testing.serializers import oddities
from cachekit.testing.serializers.given import Given


class Refusals(Given):
    """A value comes back as it was, or is refused; it is not written first."""

    def test_no_type_is_changed_in_silence(self, serializer: Serializer) -> None:
        changed = [
            f"{value!r} came back as {made!r}"
            for value in oddities.odd_values()
            for made in _carried(serializer, value)
            if not self.equal(made, value)
        ]
        assert not changed, f"raise EncodeError where {'; '.join(changed)}"

    def test_what_it_must_refuse_it_refuses_and_says_what_to_use(
        self, serializer: Serializer
    ) -> None:
        for value, advice in self.refused:
            assert advice in _refusal(serializer, value)
            for outer in ([value], {"a": value}):
                with pytest.raises(EncodeError):
                    serializer.dumps(outer)

    def test_what_it_cannot_know_comes_back_or_is_refused_by_name(
        self, serializer: Serializer
    ) -> None:
        for value in oddities.unknown_values():
            for made in _carried_or_refused_by_name(serializer, value):
                assert self.equal(made, value), f"{value!r} came back as {made!r}"

    def test_a_circle_comes_back_or_is_refused(self, serializer: Serializer) -> None:
        calls = [
            Call(
                f"a {type(value).__name__} that holds itself",
                partial(_carried, serializer, value),
                partial(_is_other, oddities.is_circle, value),
            )
            for value in oddities.circles()
        ]
        self.harms_nobody(calls, EncodeError)

    def test_what_is_nested_comes_back_or_is_refused(self, serializer: Serializer) -> None:
        calls = (call for name in oddities.NESTS for call in _nested(serializer, name))
        self.harms_nobody(calls, EncodeError)

    def test_what_is_nested_without_end_harms_nobody(self, serializer: Serializer) -> None:
        calls = (
            Call(
                f"100,000 {name} in each other",
                partial(_carried, serializer, oddities.nest(name, 100_000)),
            )
            for name in oddities.NESTS
        )
        self.harms_nobody(calls, EncodeError)


def _nested(serializer: Serializer, name: str) -> Iterator[Call]:
    """For all sorts of depths up to `_DEEP`, those around where it begins to refuse among them."""

    def is_refused(depth: int) -> bool:
        return not _dumped(serializer, oddities.nest(name, depth))

    edge = 1 + bisect_left(range(1, _DEEP + 1), True, key=is_refused)
    for depth in range(1, _DEEP + 1):
        if depth % 50 == 1 or abs(depth - edge) < 5:
            value = oddities.nest(name, depth)
            yield Call(
                f"{depth} {name} in each other",
                partial(_carried, serializer, value),
                partial(_is_other, oddities.is_as_deep, value),
            )


_DEEP: Final = 2000


def _dumped(serializer: Serializer, value: Any) -> list[bytes]:
    try:
        return [serializer.dumps(value)]
    except EncodeError:
        return []


def _carried(serializer: Serializer, value: Any) -> list[Any]:
    return [serializer.loads(data) for data in _dumped(serializer, value)]


def _carried_or_refused_by_name(serializer: Serializer, value: Any) -> list[Any]:
    try:
        data = serializer.dumps(value)
    except EncodeError as error:
        message = _naming(error, value)
        assert len(message.split()) > 4, f"{message!r} does not say what to cache instead"
        return []
    return [serializer.loads(data)]


def _refusal(serializer: Serializer, value: Any) -> str:
    with pytest.raises(EncodeError) as refused:
        serializer.dumps(value)
    return _naming(refused.value, value)


def _naming(error: EncodeError, value: Any) -> str:
    message = str(error)
    assert type(value).__name__ in message, f"{message!r} does not name the type"
    return message


def _is_other(same: Callable[[Any, Any], bool], value: Any, carried: list[Any]) -> str:
    """What to say of what came back for `value`, if anything did, and it is not the same."""
    return "" if all(same(made, value) for made in carried) else "came back as something else"
