"""What another client does between two commands of a backend."""

from collections.abc import Callable
from typing import TypeAlias

import pytest

from cachekit_memcached.link import Link

Deed: TypeAlias = Callable[[], object]


class Meanwhile:
    """Just before a command is sent, something else is done; `sent` names all that were sent."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.sent: list[str] = []
        self._deeds: dict[str, list[Deed]] = {}
        write = Link.write

        def write_later(link: Link, data: bytes) -> None:
            command = data.split(b" ", 1)[0].decode()
            if deeds := self._deeds.get(command):
                deeds.pop(0)()
            self.sent.append(command)
            write(link, data)

        monkeypatch.setattr(Link, "write", write_later)

    def before(self, command: str, *deeds: Deed) -> None:
        """Do these, each before one `command`, and from now on count anew what is sent."""
        self._deeds = {command: list(deeds)}
        self.sent.clear()
