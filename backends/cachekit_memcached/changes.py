"""A write as commands, and what becomes of it."""

import re
from math import ceil
from typing import Final

from aiomcache.exceptions import ClientException

from cachekit.backend import ABSENT, ANY, DONE, REFUSED, UNREACHED, Outcome, Write
from cachekit.decoding import Decoding
from cachekit_memcached.link import Link

MONTH: Final = 30 * 24 * 3600
"""Seconds; a larger number is a date to memcached, in seconds since 1970."""

PAST: Final = MONTH + 1
"""A date in 1970: gone at once. It stands for the conditional deletion that the protocol lacks."""

LAST: Final = 2**31 - 1
"""The last date there is."""

_TOO_LARGE: Final = "object too large"
_SAID: Final = re.compile(r"b'SERVER_ERROR (.*)'")
_ROUNDS: Final = 6
"""Attempts at a key that changes again and again meanwhile."""


class Change:
    """One `Write`, until its outcome is known; `data` is the envelope, `None` to delete.

    `error` is what the server had against it, if it had.
    """

    def __init__(
        self, write: Write, name: bytes, data: bytes | None, decoding: Decoding, time: float
    ) -> None:
        self.key = write.key
        self.outcome: Outcome = UNREACHED
        self.error: Exception | None = None
        self._name = name
        self._data = data
        self._expected = write.expected
        self._decoding = decoding
        self._expiry = PAST if write.entry is None else expiry(write.entry.keep, time)

    async def carry_out(self, link: Link, due: float) -> None:
        """All commands on one connection, each done when it is `due` or never."""
        try:
            self.outcome = await self._done(link, due)
        except Exception as error:
            self.error = _plain(error)
            too_large = isinstance(error, ClientException) and _TOO_LARGE in str(error)
            self.outcome = REFUSED if too_large else UNREACHED

    async def _done(self, link: Link, due: float) -> Outcome:
        if self._expected is ANY:
            return await self._always(link, due)
        if self._expected is ABSENT and await self._add(link, due):
            return DONE
        for _ in range(_ROUNDS):
            there, cas_id = await link.do(link.client.gets(self._name), due)
            if there is None:
                if self._expected is not ABSENT:
                    return REFUSED
                if self._data is None or await self._add(link, due):
                    return DONE
            elif not self._meets(there):
                return REFUSED
            elif await self._replace(link, cas_id, due):
                return DONE
        return UNREACHED

    async def _always(self, link: Link, due: float) -> Outcome:
        if self._data is None:
            await link.do(link.client.delete(self._name), due)
            return DONE
        done = await link.do(link.client.set(self._name, self._data, self._expiry), due)
        return DONE if done else UNREACHED

    async def _add(self, link: Link, due: float) -> bool:
        if self._data is None:
            return False
        return await link.do(link.client.add(self._name, self._data, self._expiry), due)

    def _meets(self, there: bytes) -> bool:
        version = self._decoding.version(self.key, there)
        return version is None if self._expected is ABSENT else version == self._expected

    async def _replace(self, link: Link, cas_id: int | None, due: float) -> bool:
        # R2: that id names what was just looked at, and on this connection alone. Those of a server
        # that was restarted begin anew, and the next one may have the id of another value.
        if not cas_id:
            raise ClientException("it gives no CAS ids, which leases need: start it without -C")
        command = link.client.cas(self._name, self._data or b"", cas_id, self._expiry)
        return await link.do(command, due)


def _plain(error: Exception) -> Exception:
    """What the server says, without what aiomcache says of it."""
    said = _SAID.search(str(error)) if isinstance(error, ClientException) else None
    return error if said is None else ClientException(said[1])


def expiry(keep: float | None, time: float) -> int:
    """What memcached is told: seconds, or from 30 days on a date; 0 is for good.

    It takes whole ones and counts once a second: so rounded up, and one more. What an entry may
    still be used for, its own bytes say. What would end after the last date is kept for good.
    """
    if keep is None:
        return 0
    if keep <= 0:
        return PAST
    seconds, end = ceil(keep) + 1, ceil(time + keep) + 1
    if seconds <= MONTH:
        return seconds
    return end if end <= LAST else 0
