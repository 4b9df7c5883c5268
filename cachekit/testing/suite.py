"""What the suites for authors of plug-ins have in common."""

from collections.abc import Iterator
from typing import Any

import pytest


class Suite:
    """Tests to inherit. None of them is replaced in silence.

    What a plug-in cannot do, its author says where everybody sees it: by overriding the test with
    one that is marked `@pytest.mark.xfail(reason="...")`. Any other override, `None` too, is a
    `TypeError` when the class is made.
    """

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        for name, test in _inherited(cls):
            if getattr(cls, name) is not test and not _says_why(getattr(cls, name)):
                raise TypeError(
                    f"{cls.__qualname__}.{name} replaces a test of its suite: inherit it, or mark "
                    'yours @pytest.mark.xfail(reason="...") to say what cannot be, and why'
                )


def _inherited(cls: type) -> Iterator[tuple[str, Any]]:
    for base in cls.__mro__[1:]:
        if issubclass(base, Suite):
            yield from ((name, it) for name, it in vars(base).items() if name.startswith("test"))


def _says_why(replacement: Any) -> bool:
    marks: list[pytest.Mark] = getattr(replacement, "pytestmark", [])
    return any(mark.name == "xfail" and mark.kwargs.get("reason") for mark in marks)
