"""Commands and round trips, counted where they are sent."""

from collections import Counter

import pytest

from cachekit_memcached.link import Link


class Sent:
    """What was sent since the last look, on all connections.

    A connection makes a trip more when it sends something after something has come: what is sent
    before any of it is answered travels together.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._commands: Counter[str] = Counter()
        self._trips: Counter[Link] = Counter()
        self._answered: set[Link] = set()
        write, receive = Link.write, Link.data_received

        def note_sent(link: Link, data: bytes) -> None:
            self._commands[data.split(b" ", 1)[0].decode()] += 1
            if link in self._answered or link not in self._trips:
                self._trips[link] += 1
                self._answered.discard(link)
            write(link, data)

        def note_come(link: Link, data: bytes) -> None:
            self._answered.add(link)
            receive(link, data)

        monkeypatch.setattr(Link, "write", note_sent)
        monkeypatch.setattr(Link, "data_received", note_come)

    def look(self) -> tuple[dict[str, int], int]:
        """The commands, by name, and the trips of the connection that has made most."""
        told = (
            dict(self._commands),
            max(self._trips.values(), default=0),
        )
        self._commands.clear()
        self._trips.clear()
        return told
