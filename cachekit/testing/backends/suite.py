"""`BackendSuite`: all groups of tests in one class."""

from cachekit.testing.backends.capabilities import CapabilityTests
from cachekit.testing.backends.concurrency import ConcurrencyTests
from cachekit.testing.backends.conditions import ConditionTests
from cachekit.testing.backends.contents import ContentTests
from cachekit.testing.backends.expiry import ExpiryTests
from cachekit.testing.backends.homes import HomeTests
from cachekit.testing.backends.lifecycle import LifecycleTests
from cachekit.testing.backends.likeness import LikenessTests
from cachekit.testing.backends.peeks import PeekTests
from cachekit.testing.backends.prefixes import PrefixTests
from cachekit.testing.backends.room import RoomTests


# pytest begins with the last of these: what is simple first, so that the first failure is, too.
class BackendSuite(
    LikenessTests,
    ConcurrencyTests,
    PeekTests,
    PrefixTests,
    HomeTests,
    RoomTests,
    LifecycleTests,
    CapabilityTests,
    ExpiryTests,
    ConditionTests,
    ContentTests,
):
    """Tests that every backend must pass. Subclass it; pytest alone runs it, without a plug-in.

        class TestSqlite(BackendSuite):
            capabilities = frozenset({FORGET_PREFIX})

            @pytest.fixture
            def clock(self) -> FakeClock:
                return FakeClock()

            @pytest.fixture
            def backend(self, tmp_path: Path, clock: FakeClock) -> SqliteBackend:
                return SqliteBackend(tmp_path / "cache.db", clock=clock)

            @pytest.fixture
            def another_backend(self, tmp_path: Path, clock: FakeClock) -> SqliteBackend:
                return SqliteBackend(tmp_path / "cache.db", clock=clock)

            @pytest.fixture
            def back_door(self, tmp_path: Path) -> BackDoor:
                return TableDoor(tmp_path / "cache.db")

    Fixtures to give:

    - `backend`: the backend under test, on an empty store with room for 5,000 entries and a value
      of 1 MB, not yet open. The suite opens and closes it, on an event loop of its own.
    - `another_backend`: a second one on the same store, as another process would have it; `None`
      if the store lives in the backend. A backend that claims `LOCAL` need not give it.
    - `back_door`: a `BackDoor`, the way into the store past the backend.
    - `clock`: the `FakeClock` that the backend was made with. Without this fixture the store has
      its own time, and the suite waits for it.

    Settings, as class attributes:

    - `capabilities`: what the backend claims, no less and no more; each is tested.
    - `keeps_bytes = False`: the store keeps objects, so no bytes in it can be damaged.
    - `short` (0.5): seconds for which the suite keeps what is to expire. `slack` (0.05): seconds
      that the store may keep something longer than it was told. Raise both for a store that
      counts in whole seconds.
    - `examples` (50): how many random histories are compared with the reference backend.
    - `patience` (30): seconds after which an operation counts as hung.

    A test that the backend cannot pass is overridden with one marked
    `@pytest.mark.xfail(reason="...")`; any other override is an error.
    """
