"""What may be wrong with a server: brought on when entered, gone when left."""

from collections.abc import Callable, Generator, Mapping, Set
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Final, NamedTuple

from tests.servers.server import RedisServer
from tests.servers.waiting import until
from tests.stores.calls import FORGETS

SETTINGS: Final = {
    "enable-debug-command": "yes",
    "save": "3600 1000000",  # never, but it counts as a server that saves
    "loading-process-events-interval-bytes": "1024",
}
"""Of a server that is to have any of these faults."""

ALL_WAYS: Final = frozenset(FORGETS)

_FILLING: Final = 300
_NOWHERE: Final = "1"


@contextmanager
def loading(server: RedisServer) -> Generator[None]:
    """It reads its snapshot, and answers LOADING meanwhile."""
    server.together(*(("SET", f"filling:{n}", "x" * 1500) for n in range(_FILLING)))
    server.command("CONFIG", "SET", "key-load-delay", 10_000)
    with _meanwhile(server, "DEBUG", "RELOAD"):
        until(lambda: _told(server, "loading") == 1, "LOADING")
        yield
        assert _told(server, "loading") == 1
        server.command("CONFIG", "SET", "key-load-delay", 0)


@contextmanager
def replica_of_nobody(server: RedisServer) -> Generator[None]:
    """It was made a replica of a server that is not there: it may be read, and is READONLY."""
    server.command("REPLICAOF", "127.0.0.1", _NOWHERE)
    yield
    server.command("REPLICAOF", "NO", "ONE")


@contextmanager
def replica_that_says_nothing(server: RedisServer) -> Generator[None]:
    """The same, but it answers MASTERDOWN to whoever reads."""
    with _set(server, {"replica-serve-stale-data": "no"}), replica_of_nobody(server):
        yield


@contextmanager
def replica(server: RedisServer) -> Generator[None]:
    """It was made a replica of another, whose contents it has now."""
    with RedisServer() as master:
        server.command("REPLICAOF", "127.0.0.1", master.port)
        until(lambda: _told(server, "master_link_status") == "up", "a replica")
        yield
        server.command("REPLICAOF", "NO", "ONE")


@contextmanager
def out_of_memory(server: RedisServer) -> Generator[None]:
    """It is full, and evicts nothing."""
    with _set(server, {"maxmemory-policy": "noeviction", "maxmemory": "1"}):
        yield


@contextmanager
def cannot_save(server: RedisServer) -> Generator[None]:
    """Its last snapshot failed: it answers MISCONF to whoever writes."""
    in_the_way = server.folder / "dump.rdb"
    in_the_way.mkdir()
    _save_until(server, "err")
    yield
    in_the_way.rmdir()
    _save_until(server, "ok")


@contextmanager
def asks_for_a_password(server: RedisServer) -> Generator[None]:
    """It asks new connections for a password that they do not have; there are new ones only."""
    with _set(server, {"requirepass": "secret"}):
        _kick(server)
        yield


@contextmanager
def has_locked_the_user(server: RedisServer) -> Generator[None]:
    """No new connection is let in."""
    server.command("ACL", "SETUSER", "default", "off")
    _kick(server)
    yield
    server.command("ACL", "SETUSER", "default", "on")


def denying(*rules: str) -> "Bring":
    """Its ACL denies something."""

    @contextmanager
    def bring(server: RedisServer) -> Generator[None]:
        server.command("ACL", "SETUSER", "default", *rules)
        yield
        server.command("ACL", "SETUSER", "default", "allkeys", "+@all")

    return bring


@contextmanager
def is_gone(server: RedisServer) -> Generator[None]:
    """It was killed: connections are refused."""
    server.kill()
    yield
    server.start()


@contextmanager
def was_restarted(server: RedisServer) -> Generator[None]:
    """It comes back with what it had saved before."""
    server.command("SAVE")
    server.restart()
    yield


@contextmanager
def is_frozen(server: RedisServer) -> Generator[None]:
    """It does nothing, with its connections open."""
    server.freeze()
    yield
    server.thaw()


@contextmanager
def sleeps(server: RedisServer) -> Generator[None]:
    """It is busy with somebody else's command for a while."""
    with _meanwhile(server, "DEBUG", "SLEEP", 0.8):
        yield


@contextmanager
def has_lost_its_scripts(server: RedisServer) -> Generator[None]:
    server.command("SCRIPT", "FLUSH")
    yield


@contextmanager
def has_lost_everything(server: RedisServer) -> Generator[None]:
    server.command("FLUSHALL")
    yield


@contextmanager
def closes_connections(server: RedisServer) -> Generator[None]:
    _kick(server)
    yield


@contextmanager
def holds_lists(server: RedisServer) -> Generator[None]:
    """Under every key of ours there is a list, which nobody takes away."""
    keys = [key for key in server.command("KEYS", "*") if not key.endswith(b"~changes")]
    for key in keys:
        server.together(("DEL", key), ("RPUSH", key, "item"))
    assert keys
    yield


Bring = Callable[[RedisServer], AbstractContextManager[None]]


class Fault(NamedTuple):
    """`raising` are those of the ways of `calls.FORGETS` that raise; `None`: whichever do.

    While a server `hangs` nobody should wait for long. `login` goes before the host.
    """

    bring: Bring
    raising: Set[str] | None = ALL_WAYS
    hangs: bool = False
    login: str = ""


_SETS: Final = {"set", "set_many"}
_BY_TAG: Final = {"tag", "clear", "function.clear"}

FAULTS: Final[Mapping[str, Fault]] = {
    "loading": Fault(loading),
    "readonly": Fault(replica_of_nobody),
    "readonly and masterdown": Fault(replica_that_says_nothing),
    "replica of another": Fault(replica),
    "out of memory": Fault(out_of_memory, _SETS),
    "cannot save": Fault(cannot_save),
    "asks for a password": Fault(asks_for_a_password),
    "asks for another password": Fault(asks_for_a_password, login="default:other@"),
    "user is off": Fault(has_locked_the_user),
    "denies all commands": Fault(denying("-@all", "+acl")),
    "denies scripts": Fault(denying("-eval", "-evalsha")),
    "denies reads": Fault(denying("-mget", "-get"), _SETS),
    "denies INFO": Fault(denying("-info"), frozenset()),
    "denies tags": Fault(denying("resetkeys", "~ck:v:*", "~ck:c:*", "~ck:~*"), _SETS | _BY_TAG),
    "denies values": Fault(
        denying("resetkeys", "~ck:t:*", "~ck:c:*", "~ck:~*"), ALL_WAYS - {"tag", "clear"}
    ),
    "denies the stream": Fault(denying("resetkeys", "~ck:v:*", "~ck:t:*", "~ck:c:*")),
    "gone": Fault(is_gone),
    "restarted": Fault(was_restarted, None),
    "frozen": Fault(is_frozen, hangs=True),
    "sleeps": Fault(sleeps, None, hangs=True),
    "lost its scripts": Fault(has_lost_its_scripts, frozenset()),
    "lost everything": Fault(has_lost_everything, frozenset()),
    "closes connections": Fault(closes_connections, None),
    "holds lists": Fault(holds_lists, frozenset()),
}


def _kick(server: RedisServer) -> None:
    server.command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")


def _told(server: RedisServer, field: str) -> Any:
    return server.command("INFO").get(field)


def _save_until(server: RedisServer, status: str) -> None:
    server.command("BGSAVE")
    until(lambda: _told(server, "rdb_last_bgsave_status") == status, f"a save that is {status}")


@contextmanager
def _set(server: RedisServer, wanted: Mapping[str, str]) -> Generator[None]:
    before = {name: server.command("CONFIG", "GET", name)[name.encode()] for name in wanted}
    for name, value in wanted.items():
        server.command("CONFIG", "SET", name, value)
    yield
    for name, value in before.items():
        server.command("CONFIG", "SET", name, value)


@contextmanager
def _meanwhile(server: RedisServer, *command: str | float) -> Generator[None]:
    """It has `command` to do, for somebody else; in the end that is done."""
    with server.client(timeout=30.0) as client:
        pool: Any = client.connection_pool
        connection = pool.get_connection()
        connection.send_command(*command)
        yield
        assert connection.read_response() == b"OK"
        pool.release(connection)
