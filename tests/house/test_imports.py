"""Who may import whom."""

import subprocess
import sys
from collections.abc import Iterable
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from tests.house.sources import ROOT, imports, modules, packages, product

CORE = "cachekit"

# What stands on the core inside its own package, and what each may use besides it.
ROOMS = {
    "cachekit.http": {"msgpack"},
    "cachekit.fastapi": {
        *("cachekit.http", "fastapi", "starlette", "pydantic", "pydantic_core"),
        *("pydantic_settings", "redis"),
    },
    "cachekit.metrics": {"prometheus_client", "opentelemetry"},
    "cachekit.testing": {"pytest", "hypothesis"},
}

# The library each plug-in is there for.
LIBRARIES = {
    "cachekit_memory": {"cachetools"},
    "cachekit_memcached": {"aiomcache"},
    "cachekit_redis": {"redis", "hiredis"},
    "cachekit_tiered": set[str](),
    "cachekit_msgpack": {"msgpack"},
    "cachekit_orjson": {"orjson"},
    "cachekit_pydantic": {"pydantic", "pydantic_core"},
    "cachekit_pickle": set[str](),
    "cachekit_zstd": {"zstandard"},
    "cachekit_aesgcm": {"cryptography"},
}

# What plug-ins, a stranger's too, may use of the core.
PUBLIC = {
    "cachekit",
    "cachekit.backend",
    "cachekit.bytes_backend",
    "cachekit.clock",
    "cachekit.complaints",
    "cachekit.copies",
    "cachekit.decoding",
    "cachekit.remembered",
    "cachekit.doubts",
    "cachekit.drops",
    "cachekit.entry",
    "cachekit.envelope",
    "cachekit.errands",
    "cachekit.errors",
    "cachekit.health",
    "cachekit.keyring",
    "cachekit.keys",
    "cachekit.options",
    "cachekit.registry",
    "cachekit.serializer",
    "cachekit.signing",
    "cachekit.step",
    "cachekit.tenure",
    "cachekit.threaded",
}


def test_the_core_imports_itself_and_the_standard_library() -> None:
    core = [path for name, path in modules(packages()[0]).items() if room_of(name) is None]
    assert core
    assert foreign(core, {CORE}) == set()


@pytest.mark.parametrize("room", ROOMS)
def test_what_stands_on_the_core_imports_it_and_its_own_libraries(room: str) -> None:
    inside = [path for name, path in product().items() if room_of(name) == room]
    assert foreign(inside, {CORE, room} | ROOMS[room]) == set()


@pytest.mark.parametrize("plugin", packages()[1:], ids=lambda package: package.name)
def test_a_plugin_imports_the_public_core_and_its_library(plugin: Path) -> None:
    own = {plugin.name} | LIBRARIES[plugin.name]
    used = foreign(modules(plugin).values(), own)
    assert {line for line in used if not is_public(line.split()[-1])} == set()


def test_importing_cachekit_brings_in_the_standard_library_only(tmp_path: Path) -> None:
    assert imported_by("import cachekit", tmp_path) == {CORE}


def test_a_cache_in_memory_brings_in_what_it_is_made_of_and_no_more(tmp_path: Path) -> None:
    used = imported_by("import cachekit; cachekit.Cache().sync.set('a', 1)", tmp_path)
    assert used <= {CORE, *LIBRARIES, *LIBRARIES["cachekit_memory"], *LIBRARIES["cachekit_msgpack"]}


def foreign(paths: Iterable[Path], others: set[str]) -> set[str]:
    """What `paths` import that is neither of the standard library nor of `others`."""
    return {
        f"{path.relative_to(ROOT)} imports {used}"
        for path in paths
        for used in imports(path)
        if home_of(used) not in sys.stdlib_module_names | others
    }


def home_of(module: str) -> str:
    """The package that `module` is of; a room on top of the core is one of its own."""
    return room_of(module) or module.split(".")[0]


def room_of(module: str) -> str | None:
    """The room on top of the core that `module` is in, if it is in one."""
    room = ".".join(module.split(".")[:2])
    return room if room in ROOMS else None


def is_public(used: str) -> bool:
    """Whether `used` is a public module of the core, or a public name in one."""
    module, _, name = used.rpartition(".")
    return used in PUBLIC or (module in PUBLIC and not name.startswith("_"))


def imported_by(statements: str, away: Path) -> set[str]:
    """The packages, of ours and of others, that `statements` bring into a fresh interpreter.

    It is started in `away`, so that what it finds is what is installed.
    """
    program = f"import sys; old = set(sys.modules); {statements}; print(*sys.modules.keys() - old)"
    command = [sys.executable, "-W", "error", "-c", program]
    done = subprocess.run(command, cwd=away, check=True, stdout=subprocess.PIPE, text=True)
    ours = {CORE, *ROOMS, *LIBRARIES}
    return set(map(home_of, done.stdout.split())) & (ours | packages_distributions().keys())
