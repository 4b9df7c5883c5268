"""What the suites whose plug-ins read bytes from anywhere have in common."""

import sys
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from typing import Any, ClassVar

from cachekit.testing.child import MEMORY, Call, trouble
from cachekit.testing.suite import Suite


class Harmless(Suite):
    """Makes calls that may do harm, in a child, and fails if they do."""

    unreadable: ClassVar[type[Exception]] = Exception
    seconds: ClassVar[float] = 10.0

    def harms_nobody(
        self, calls: Iterable[Call], error: type[Exception], memory: int = MEMORY
    ) -> None:
        """Fail if one of `calls` does more than to return or to raise an `error`."""
        seen = trouble(calls, error, self.seconds, memory)
        assert not seen, seen


def was_read(made: Any) -> str:
    """What is wrong with any outcome of reading what must be refused."""
    return "was read"


@contextmanager
def often_switched() -> Generator[None]:
    """Threads take turns as often as they can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        yield
    finally:
        sys.setswitchinterval(before)
