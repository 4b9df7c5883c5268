"""A write as commands: what is sent, and what the reply means."""

from collections.abc import Callable, Iterable
from enum import Enum
from math import ceil
from typing import Any, Final, NamedTuple, Protocol

from cachekit.backend import ABSENT, ANY, DONE, REFUSED, UNREACHED, Outcome, Write
from cachekit.entry import Entry, Kind
from cachekit_redis.scripts import ANNOUNCE, CHANGE, Script
from cachekit_redis.wire import Command

RECORDS: Final = 86_400.0
"""Seconds a tag record is kept at least; who carries the tag for longer keeps it alive."""

KEY, PREFIX, MARK = b"k", b"p", b"m"
"""What an entry of the stream tells of: a key, what begins so, or nothing."""


class Stream(NamedTuple):
    """Where changes are announced. `beside` the entry: a script reaches both in one step."""

    name: bytes
    length: int
    beside: bool


class Step(Protocol):
    """Something to send to whichever server holds `name`."""

    @property
    def name(self) -> bytes: ...

    def command(self, life: bytes) -> Command:
        """What to send to a server that has this life."""
        ...

    def settle(self, reply: Any, life: bytes) -> bool:
        """Whether that was all; else there is another command."""
        ...


class Way(Enum):
    """How a change begins: with one command, with a script, or with a look at what is there."""

    PLAIN = "plain"
    SCRIPT = "script"
    LOOK = "look"


class Change:
    """One `Write`, until its outcome is known.

    `data` is the envelope, `None` to delete; `stream` where it is announced, if it is; `reads`
    tells whether bytes that were found are an entry of the key.
    """

    def __init__(
        self,
        write: Write,
        name: bytes,
        data: bytes | None,
        stream: Stream | None,
        reads: Callable[[str, bytes, bytes], bool],
    ) -> None:
        self.key = write.key
        self.outcome = UNREACHED
        self.answered = False
        self.error: Exception | None = None
        self._name = name
        self._data = data
        self._entry = write.entry
        self._expected = write.expected
        self._stream = stream
        self._reads = reads
        self._looks = write.expected is ABSENT
        self._there = b""
        self._announces = False
        self._by_text = False
        self.way = self._way()

    def _way(self) -> Way:
        if self._looks:
            return Way.LOOK
        if self._expected is ANY and not self._in_one_step and not self._may_go:
            return Way.PLAIN
        return Way.SCRIPT

    def goes_whole(self) -> None:
        """Send the script itself: what is sent along must not be done before it is known."""
        self._by_text = True

    @property
    def name(self) -> bytes:
        return self._stream.name if self._announces and self._stream else self._name

    def command(self, life: bytes) -> Command:
        if self._announces and self._stream is not None:
            return self._script(ANNOUNCE, (self._stream.name,), ())
        if self._looks:
            return self._look(life)
        return self._plain(life) if self.way is Way.PLAIN else self._change(life)

    def settle(self, reply: Any, life: bytes) -> bool:
        if isinstance(reply, Exception):
            return self._failed(reply)
        if self._announces:
            return self._ends(DONE)
        if self._looks and reply is not None:
            return self._looked(reply, life)
        if reply == 0 and not self._looks and self._expected is not ANY:
            return self._missed()
        if self._stream is None or (self._in_one_step and not self._looks):
            return self._ends(DONE)
        self._announces, self._by_text = True, False
        return False

    @property
    def _in_one_step(self) -> bool:
        return self._stream is not None and self._stream.beside

    @property
    def _may_go(self) -> bool:
        """A tag record for which there is no room may as well be missing."""
        return self._entry is not None and self._entry.kind is Kind.TAG

    def _plain(self, life: bytes) -> Command:
        if self._data is None:
            return ("DEL", self._name)
        return ("SET", self._name, life + self._data, *self._expiry("PX"))

    def _look(self, life: bytes) -> Command:
        """Put it if nothing is there, or else tell what is."""
        if self._data is None:
            return ("GET", self._name)
        return ("SET", self._name, life + self._data, "NX", "GET", *self._expiry("PX"))

    def _looked(self, there: bytes, life: bytes) -> bool:
        if self._reads(self.key, there, life):
            return self._ends(REFUSED)
        self._looks, self._there = False, there
        return False

    def _missed(self) -> bool:
        if self._expected is not ABSENT:
            return self._ends(REFUSED)
        self._looks = True  # what was found there, and is not readable, has changed meanwhile
        return False

    def _change(self, life: bytes) -> Command:
        match self._expected:
            case int(version):
                condition: tuple[str, bytes] = "version", life + version.to_bytes(8, "big")
            case expected:
                condition = ("any", b"") if expected is ANY else ("bytes", self._there)
        data = b"" if self._data is None else life + self._data
        keys = (
            (self._name, self._stream.name) if self._stream and self._in_one_step else (self._name,)
        )
        expiry = self._expiry()[0] if self._expiry() else ""
        return self._script(CHANGE, keys, (*condition, data, expiry, "1" if self._may_go else ""))

    def _expiry(self, *flag: str) -> tuple[str | int, ...]:
        keep = None if self._entry is None else self._entry.keep
        if keep is None and self._may_go:
            keep = RECORDS
        return () if keep is None else (*flag, milliseconds(keep))

    def _script(self, script: Script, keys: tuple[bytes, ...], args: Command) -> Command:
        how = ("EVAL", script.text) if self._by_text else ("EVALSHA", script.sha)
        told: Command = ()
        if self._stream is not None:
            told = (self._stream.length, KEY, self.key.encode("utf-8", "surrogatepass"))
        return (*how, len(keys), *keys, *args, *told)

    def _failed(self, error: Exception) -> bool:
        kind = str(error).partition(" ")[0]
        if kind == "NOSCRIPT" and not self._by_text:
            self._by_text = True  # it was not run, so it may be sent again
            return False
        if kind == "WRONGTYPE" and self._looks:
            self._looks, self._there = False, b""
            return False
        self.error = error
        return True

    def _ends(self, outcome: Outcome) -> bool:
        self.outcome = outcome
        self.answered = True
        return True


class Renewal:
    """Keeps a tag record alive for as long as who carries the tag."""

    def __init__(self, name: bytes, keep: float | None) -> None:
        self.name = name
        self._keep = keep

    def command(self, life: bytes) -> Command:
        if self._keep is None:
            return ("PERSIST", self.name)
        return ("PEXPIRE", self.name, milliseconds(self._keep), "GT")

    def settle(self, reply: Any, life: bytes) -> bool:
        return True


class Announcement:
    """Tells the followers that all keys which begin with `prefix` are gone."""

    def __init__(self, stream: Stream, prefix: str) -> None:
        self.name = stream.name
        self.error: Exception | None = None
        self._length = stream.length
        self._prefix = prefix.encode("utf-8", "surrogatepass")
        self._by_text = False

    def command(self, life: bytes) -> Command:
        how = ("EVAL", ANNOUNCE.text) if self._by_text else ("EVALSHA", ANNOUNCE.sha)
        return (*how, 1, self.name, self._length, PREFIX, self._prefix)

    def settle(self, reply: Any, life: bytes) -> bool:
        if not isinstance(reply, Exception):
            self.error = None
            return True
        self.error = reply
        again = str(reply).startswith("NOSCRIPT") and not self._by_text
        self._by_text = True
        return not again


def milliseconds(seconds: float) -> int:
    """At least one: 0 would be an error, not a deletion."""
    return max(1, ceil(seconds * 1000))


def kept(writes: Iterable[Write]) -> dict[str, float | None]:
    """For how long the records of the tags of all values in `writes` are needed."""
    needed: dict[str, float | None] = {}
    for write in writes:
        entry = write.entry
        if entry is not None and entry.kind is Kind.VALUE:
            for tag in entry.tags:
                needed[tag] = _longer(entry, needed.get(tag, 0.0))
    return needed


def _longer(entry: Entry, keep: float | None) -> float | None:
    return None if entry.keep is None or keep is None else max(entry.keep, keep)
