"""What the author of a step gives to the suite, and what its tests do with that."""

from collections.abc import Callable, Iterable
from functools import partial
from random import Random
from typing import Any, ClassVar, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cachekit.step import Step
from cachekit.testing.child import MEMORY, Call
from cachekit.testing.harmless import Harmless, was_read
from cachekit.testing.hostile import Named

CONTEXT: Final = b"\x05v:key\x07msgpack\0\0"
LIMIT: Final = 2**20

BRIEF: Final = (b"", b"a", b"\0\x01\x02\xff", b"some bytes of a value", b"ab" * 1100)
LONG: Final = (bytes(LIMIT), Random(1).randbytes(LIMIT))
DATA: Final = (*BRIEF, Random(0).randbytes(300))


class Given(Harmless):
    """The fixtures and settings that the tests stand on; see `StepSuite`."""

    guards: ClassVar[bool]
    hides: ClassVar[bool]

    @pytest.fixture
    def step(self) -> Step:
        """The step under test."""
        raise NotImplementedError(
            f"{type(self).__name__} has no step: write a fixture `step` that returns the one to "
            "test, made alike in every process"
        )

    @pytest.fixture
    def samples(self, step: Step) -> list[bytes]:
        """What the step makes of data of several kinds, in `CONTEXT`."""
        return [step.encode(data, CONTEXT) for data in DATA]

    def each_data(self, check: Callable[[bytes, bytes], None]) -> None:
        """Make `check` of data and contexts: of chosen ones, and of what Hypothesis draws."""
        for data in (*DATA, *LONG):
            for context in (b"", CONTEXT):
                check(data, context)
        settings(deadline=None)(given(st.binary(max_size=3000), st.binary())(check))()

    def reads(
        self,
        step: Step,
        cases: Iterable[Named],
        error: type[Exception] | None = None,
        memory: int = MEMORY,
    ) -> None:
        """Fail if reading one of `cases` does more than to give bytes or to raise.

        One that guards must raise.
        """
        wrong = was_read if self.guards else _is_no_data
        calls = (
            Call(name, partial(step.decode, data, CONTEXT, LIMIT), wrong) for name, data in cases
        )
        self.harms_nobody(calls, error or self.unreadable, memory)

    def refuses(self, step: Step, cases: Iterable[tuple[str, bytes, bytes, int]]) -> None:
        """Fail if one of `cases`, each bytes, context and limit, is read."""
        calls = (
            Call(name, partial(step.decode, data, context, limit), was_read)
            for name, data, context, limit in cases
        )
        self.harms_nobody(calls, self.unreadable)

    def needs_guards(self) -> None:
        """Skip a test of what only those do that guard."""
        if not self.guards:
            pytest.skip("it does not bind bytes to their context (guards = False)")

    def needs_hides(self) -> None:
        """Skip a test of what only those do that hide."""
        if not self.hides:
            pytest.skip("it does not hide bytes (hides = False)")


def _is_no_data(made: Any) -> str:
    if type(made) is not bytes:
        return f"was read as {type(made).__qualname__}, not bytes"
    return f"was read as {len(made)} bytes, with a limit of {LIMIT}" if len(made) > LIMIT else ""
