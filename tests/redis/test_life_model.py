"""However servers die, come back and change parts: what one brings back is of another life.

No server runs here. `Server` does with its names what Redis does (replication.c, and seen on 7.0).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Final, TypeAlias

from hypothesis import example, given
from hypothesis import strategies as st

from cachekit_redis.life import UnfitError, who
from tests.redis.lives import told_by

Data: TypeAlias = dict[str, tuple[bytes, int]]
"""Under each key: a life, and the number of the value."""


@dataclass
class Server:
    """`run_id` is new at each start; `replid` is the master's, and new for who becomes a master."""

    fresh: Callable[[], str]
    data: Data = field(default_factory=dict[str, tuple[bytes, int]])
    disk: Data = field(default_factory=dict[str, tuple[bytes, int]])
    role: str = "master"
    has_replicas: bool = False

    def __post_init__(self) -> None:
        self.run_id, self.replid = self.fresh(), self.fresh()

    def save(self) -> None:
        self.disk = dict(self.data)

    def crash(self) -> None:
        """It comes back as a master; Redis would, unless its configuration was written anew."""
        self.data = dict(self.disk)
        self.role, self.has_replicas = "master", False
        self.run_id, self.replid = self.fresh(), self.fresh()

    def follow(self, master: "Server") -> None:
        """Take over all that another has, and its name as a master."""
        if not master.has_replicas and master.role == "master":
            master.has_replicas, master.replid = True, self.fresh()
        self.data, self.role, self.replid = dict(master.data), "slave", master.replid

    def promote(self) -> None:
        if self.role == "slave":
            self.role, self.has_replicas, self.replid = "master", True, self.fresh()

    def life(self) -> bytes | None:
        """As its clients know it; `None` if they do not ask it."""
        info = told_by(run_id=self.run_id, master_replid=self.replid, role=self.role)
        try:
            return who((info, info, None)).life
        except UnfitError:
            return None


class World:
    """Two servers, of which one is asked, and what that has acknowledged."""

    def __init__(self) -> None:
        names = map(str, count())
        self.current, self.other = (Server(lambda: next(names)) for _ in range(2))
        self._values = count()
        self._forgotten = -1
        self.served = 0

    def store(self) -> None:
        self.current.data["k"] = self.current.life() or b"", next(self._values)

    def forget(self) -> None:
        """Whatever was loaded until now is out of date, and the server has said that it is gone."""
        self.current.data.pop("k", None)
        self._forgotten = next(self._values)

    def read(self) -> None:
        life, number = self.current.data.get("k", (b"nobody's", 0))
        if life == self.current.life():
            self.served += 1
            assert number > self._forgotten

    def fail_over(self) -> None:
        """The replica is made the master; the old one may not know yet."""
        if self.other.role == "slave":
            self.other.promote()
            self.current, self.other = self.other, self.current


STEPS: Final[Mapping[str, Callable[[World], None]]] = {
    "store": World.store,
    "forget": World.forget,
    "fail over": World.fail_over,
    "it saves": lambda world: world.current.save(),
    "the other saves": lambda world: world.other.save(),
    "it crashes": lambda world: world.current.crash(),
    "the other crashes": lambda world: world.other.crash(),
    "the other follows": lambda world: world.other.follow(world.current),
}

THERE_AND_BACK: Final = (
    *("the other follows", "fail over", "the other follows"),
    *("forget", "fail over"),
)


@given(st.lists(st.sampled_from(sorted(STEPS)), max_size=30))
@example(["store", *THERE_AND_BACK])
@example(["store", "it saves", "forget", "it crashes"])
def test_what_was_forgotten_is_served_in_no_life(history: list[str]) -> None:
    world = World()
    for step in history:
        STEPS[step](world)
        world.read()


def test_what_was_stored_is_served_until_the_server_has_another_life() -> None:
    world = World()
    served: list[int] = []
    for step in ("store", "the other follows", "store", "the other follows", "fail over", "store"):
        STEPS[step](world)
        world.read()
        served.append(world.served)
    assert served == [1, 1, 2, 3, 3, 4]
