"""What a store must be able to do: `Backend`, two methods and what they take and give."""

from collections.abc import Coroutine, Iterable, Mapping, Sequence
from enum import Enum
from typing import Any, Final, Generic, NamedTuple, Protocol, TypeAlias, TypeVar, cast

from cachekit.entry import Entry

C = TypeVar("C")
T = TypeVar("T")


class Condition(Enum):
    """What must be under a key for a write to happen, other than a certain version."""

    ANY = "any"
    ABSENT = "absent"


ANY: Final = Condition.ANY
ABSENT: Final = Condition.ABSENT


class Outcome(Enum):
    """What became of one write."""

    DONE = "done"
    REFUSED = "refused"
    UNREACHED = "unreached"


DONE: Final = Outcome.DONE
REFUSED: Final = Outcome.REFUSED
UNREACHED: Final = Outcome.UNREACHED


class Unreached(NamedTuple):
    """In the answer to a `read`: the node that holds this key did not answer."""

    cause: BaseException | None = None


class Write(NamedTuple):
    """One change of one key, atomic by itself.

    `entry` is stored for `entry.keep` seconds (`None`: for good); `None` deletes. `expected` is
    `ANY`, `ABSENT` (nothing there, or past its `keep`, or unreadable) or the `version` that must
    be there. `announce`: those who follow the changes of this store must hear of it.
    """

    key: str
    entry: Entry | None
    expected: int | Condition = ANY
    announce: bool = False


Found: TypeAlias = Mapping[str, Entry | Unreached]


class Capability(Generic[C]):
    """A typed token for something only some backends can do; compared by identity."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return f"<capability {self.name}>"


class Local(Protocol):
    """The store lives in this process and needs no guard."""

    @property
    def suspends(self) -> bool:
        """False: `read` and `write` never suspend and may be called on any thread."""
        ...


class Peek(Protocol):
    """A look without I/O."""

    def peek(self, key: str) -> Entry | None:
        """What is under `key`, from any thread, or `None` if that is not known for sure.

        The entry is linked to its live tag records, so that `entry.serves(now)` decides.
        """
        ...


class ForgetPrefix(Protocol):
    """Deleting by prefix."""

    async def forget_prefix(self, prefixes: Sequence[str]) -> Outcome:
        """Delete every key that starts with one of `prefixes`, and announce them as prefixes.

        It may take up to 60 seconds, since a large store has to be walked through; each of its
        steps is up to the backend to hold to a deadline.
        """
        ...


class News(NamedTuple):
    """What a store announced, in order, since a `position` in its stream of changes.

    `keys` were changed, and so was whatever begins with one of `prefixes`. `lost`: some changes are
    not known, so whatever was kept must go. `complete`: when the question arrived, nothing more was
    waiting. `position` is for the next question.
    """

    position: object
    keys: Sequence[str] = ()
    prefixes: Sequence[str] = ()
    lost: bool = False
    complete: bool = True


class Feed(Protocol):
    """The changes that a store announces, for who keeps copies in front of it."""

    async def news(self, position: object | None, wait: float) -> News:
        """What was announced after `position`; waits up to `wait` seconds for something.

        Whatever was acknowledged before this was sent is told, now or when asked for what follows.
        Without a position it begins with the present: then everything is `lost`. Raises whenever it
        cannot say, and may be asked again then. It may be cancelled.
        """
        ...


class Fence(Protocol):
    """Copies in front of a store, for who guards that."""

    def fence(self, keys: Iterable[str], prefixes: Iterable[str]) -> None:
        """These were to be forgotten, and the store may still have them.

        No copy may serve, and none is made before `cut_off(False)`.
        """
        ...

    def cut_off(self, off: bool) -> None:
        """The store does not answer; or it does, again."""
        ...


class Tiers(Protocol):
    """A store with copies in front of it."""

    @property
    def staleness(self) -> float:
        """Seconds after which an acknowledged change is seen wherever there are copies."""
        ...

    @property
    def names(self) -> tuple[str, str]:
        """What is nearer, and what is behind it."""
        ...

    @property
    def bypasses(self) -> int:
        """How often there was no look at the copies, since nobody could say that they are right."""
        ...


class Nodes(Protocol):
    """A store of several nodes, each of which may fail by itself."""

    def node_of(self, key: str) -> str:
        """The name of the node that has `key` now."""
        ...


class Homes(Protocol):
    """A store of several nodes, each of which has its own keys for good.

    Which node has what is fixed by configuration: none takes over the keys of another. So each may
    have a record for all that it holds, and one that is gone takes along nothing of the others.
    """

    def home(self, key: str) -> str:
        """The name of the home of `key`. A claim lives where its value does, and a record that is
        named for a home (`cachekit.keys.home_in`) there."""
        ...

    def homes(self) -> Sequence[str]:
        """The names of all, each 1 to 64 printable ASCII characters without `~`."""
        ...


class Room(Protocol):
    """A store that takes no more than so much at a time."""

    @property
    def most_bytes(self) -> int:
        """The most bytes of a payload that it takes, with as many tags as are usual."""
        ...


class Measure(Protocol):
    """What happened in a store, for all who share it."""

    @property
    def unreadable(self) -> int:
        """How often bytes were found that are no entry of their key."""
        ...


LOCAL: Final = Capability[Local]("local")
PEEK: Final = Capability[Peek]("peek")
FORGET_PREFIX: Final = Capability[ForgetPrefix]("forget_prefix")
FEED: Final = Capability[Feed]("feed")
FENCE: Final = Capability[Fence]("fence")
TIERS: Final = Capability[Tiers]("tiers")
NODES: Final = Capability[Nodes]("nodes")
HOMES: Final = Capability[Homes]("homes")
ROOM: Final = Capability[Room]("room")
MEASURE: Final = Capability[Measure]("measure")


class Backend(Protocol):
    """A store of entries. Subclass it for the defaults of all but `read` and `write`.

    Whose store keeps bytes has less to write with `cachekit.bytes_backend.BytesBackend`, or, if
    its client blocks, `cachekit.threaded.ThreadedBackend`.

    An exception from `read` or `write` means that nothing in the batch was answered. Unless the
    backend is `LOCAL` and never suspends, its methods run on the loop that called `open()`, and a
    batch is what was asked for in one tick of that loop: up to 512 keys, and about 1 MiB to write.
    """

    async def read(self, keys: Sequence[str]) -> Found:
        """The entries under `keys`; absent keys are absent from the answer.

        An entry may be given to several readers: none of them changes it, but takes its `twin()`.
        """
        ...

    async def write(self, writes: Sequence[Write]) -> Sequence[Outcome]:
        """Apply each write atomically, in order; one outcome for each."""
        ...

    async def open(self) -> None:
        """Connect. May be called again after `close()`, on another loop.

        In the child of a fork it is called without a `close()`: what there is, is the parent's.
        """
        return

    async def close(self) -> None:
        """Give up what `open()` took."""
        return

    def capability(self, wanted: Capability[C]) -> C | None:
        """The object that can do `wanted`, or `None`. Wrappers answer for what they wrap."""
        return None


def offer(wanted: Capability[C], having: Mapping[Capability[Any], object]) -> C | None:
    """Answer a `capability()` call out of a table `{token: object}`."""
    return cast("C | None", having.get(wanted))


def drive(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine that never suspends, in this thread and without a loop."""
    try:
        work.send(None)
    except StopIteration as done:
        return done.value  # type: ignore[no-any-return]
    work.close()
    raise RuntimeError("a backend that says it never suspends did suspend")
