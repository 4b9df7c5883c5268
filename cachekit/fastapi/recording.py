"""What an endpoint does to its `Response`: taken down, kept with the value, done again."""

from collections.abc import Sequence
from typing import Any, Final

from starlette.datastructures import MutableHeaders
from starlette.responses import Response

_COOKIE: Final = b"set-cookie"


class Recorded(Response):
    """An empty `Response` for one run of an endpoint.

    What dependencies have done to the caller's own is not in it: that is of the caller alone.
    """

    def __init__(self) -> None:
        super().__init__()
        self.status_code: int | None = None  # type: ignore[assignment]
        self.raw_headers: list[tuple[bytes, bytes]] = []
        self._noting = _Noting(self.raw_headers)

    @property
    def headers(self) -> "_Noting":
        return self._noting

    @property
    def sets_cookie(self) -> bool:
        """Whether it is for one client alone."""
        return any(name.lower() == _COOKIE for name, _ in self.raw_headers)

    def changes(self) -> tuple[Any, ...]:
        """What was done, in builtin types: status, headers, names that replace, that default."""
        headers = [(n.decode("latin-1"), v.decode("latin-1")) for n, v in self.raw_headers]
        noting = self._noting
        return self.status_code, headers, sorted(noting.replaced), sorted(noting.defaults)


CHANGES: Final = (int | None, list[tuple[str, str]], list[str], list[str])
"""The types of what `changes` gives."""


class _Noting(MutableHeaders):
    """Headers that know which of them take the place of others."""

    def __init__(self, raw: list[tuple[bytes, bytes]]) -> None:
        super().__init__(raw=raw)
        self.replaced = set[str]()
        self.defaults = set[str]()

    def __setitem__(self, key: str, value: str) -> None:
        self._replace(key)
        super().__setitem__(key, value)

    def __delitem__(self, key: str) -> None:
        self._replace(key)
        super().__delitem__(key)

    def setdefault(self, key: str, value: str) -> str:
        if key not in self and key.lower() not in self.replaced:
            self.defaults.add(key.lower())
        return super().setdefault(key, value)

    def add_vary_header(self, vary: str) -> None:
        self.append("vary", vary)  # a line of its own, beside what others vary on

    def _replace(self, key: str) -> None:
        self.replaced.add(key.lower())
        self.defaults.discard(key.lower())


def replay(changes: Sequence[Any], response: Response) -> None:
    """Do to `response` what `changes` say was done to another."""
    status, headers, replaced, defaults = changes
    if status is not None:
        response.status_code = status
    there = response.headers
    kept = [(n, v) for n, v in headers if not (n in defaults and n in there)]
    for name in replaced:
        del there[name]
    for name, value in kept:
        there.append(name, value)
