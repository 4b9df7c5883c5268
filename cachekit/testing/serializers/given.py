"""What the author of a serializer gives to the suite, and what its tests do with that."""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, ClassVar

import pytest
from hypothesis import Phase, given, settings
from hypothesis.strategies import SearchStrategy

from cachekit.serializer import BoundSerializer, Serializer
from cachekit.testing.child import Call
from cachekit.testing.harmless import Harmless
from cachekit.testing.hostile import Named
from cachekit.testing.shapes import shape


class Given(Harmless):
    """The fixtures and settings that the tests stand on; see `SerializerSuite`."""

    values: ClassVar[SearchStrategy[Any] | Sequence[Any]]
    refused: ClassVar[Sequence[tuple[Any, str]]] = ()

    @pytest.fixture
    def serializer(self) -> Serializer:
        """The serializer under test."""
        raise NotImplementedError(
            f"{type(self).__name__} has no serializer: write a fixture `serializer` that returns "
            "the one to test"
        )

    def equal(self, made: Any, value: Any) -> bool:
        """Whether `made` is `value`, types and all."""
        return bool(shape(made) == shape(value))

    @pytest.fixture
    def samples(self, serializer: Serializer) -> list[bytes]:
        """The bytes of some of the values."""
        return [serializer.dumps(value) for value in self.some_values()]

    @pytest.fixture
    def bound(self, serializer: Serializer) -> BoundSerializer:
        """The serializer, if it binds its bytes to their entry."""
        if not isinstance(serializer, BoundSerializer):
            pytest.skip("it does not bind its bytes to their entry (it has no `bind`)")
        return serializer

    def each_value(self, check: Callable[[Any], None]) -> None:
        """Make `check` of every value, or of as many as Hypothesis draws."""
        if isinstance(self.values, SearchStrategy):
            settings(deadline=None)(given(self.values)(check))()
        else:
            for value in self.values:
                check(value)

    def some_values(self) -> list[Any]:
        """All values, or 40 that are the same in each run."""
        if not isinstance(self.values, SearchStrategy):
            return list(self.values)
        drawn: list[Any] = []

        @settings(max_examples=40, deadline=None, derandomize=True, phases=[Phase.generate])
        @given(self.values)
        def draw(value: Any) -> None:
            drawn.append(value)

        draw()
        return drawn

    def reads(
        self,
        serializer: Serializer,
        cases: Iterable[Named],
        error: type[Exception] | None = None,
    ) -> None:
        """Fail if reading one of `cases` does more than to give a value or to raise."""
        calls = (Call(name, partial(serializer.loads, data)) for name, data in cases)
        self.harms_nobody(calls, error or self.unreadable)

    def comes_back(self, serializer: Serializer, value: Any) -> bool:
        """Whether it does, with its types."""
        try:
            return self.equal(serializer.loads(serializer.dumps(value)), value)
        except Exception:
            return False
