"""Makes docs/api.md of the signatures and docstrings of what is public: `make api`."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from griffe import GriffeLoader

ROOT: Final = Path(__file__).parents[1]
PAGE: Final = ROOT / "docs" / "api.md"
FOLDERS: Final = (ROOT, ROOT / "backends", ROOT / "serializers")

CORE: Final = (
    "cachekit",
    "cachekit.sync",
    "cachekit.backend",
    "cachekit.bytes_backend",
    "cachekit.threaded",
    "cachekit.entry",
    "cachekit.clock",
    "cachekit.http",
    "cachekit.fastapi",
    "cachekit.metrics.prometheus",
    "cachekit.metrics.opentelemetry",
)
"""Shown too: whatever `cachekit.testing` and each plug-in export."""

SIMULATION: Final = "cachekit.testing.simulation.suite"
"""Exported by none, since it needs pytest."""

HEAD: Final = """# The API

Made by `make api` from the docstrings. What is public is in one of these modules:
"""


def page() -> str:
    """The text of docs/api.md."""
    modules = list(shown())
    lines = [HEAD, *map(links, modules), "", *(part for it in modules for part in of_module(it))]
    return formatted("\n".join(lines).rstrip() + "\n")


def formatted(text: str) -> str:
    """With its code as the code of the project is."""
    command = [sys.executable, "-m", "ruff", "format", "--stdin-filename", str(PAGE), "-"]
    run = subprocess.run(command, cwd=ROOT, input=text, capture_output=True, text=True, check=True)
    return run.stdout


def shown() -> Iterator[Any]:
    """The modules of the page."""
    loader = GriffeLoader(search_paths=FOLDERS)
    plugins = [path.name for folder in FOLDERS[1:] for path in sorted(folder.glob("cachekit_*"))]
    for package in ("cachekit", *plugins):
        loader.load(package)
    loader.resolve_aliases()
    rooms = loader.modules_collection["cachekit.testing"].modules
    testing = [it.path for _, it in sorted(rooms.items()) if it.exports]
    for name in (*CORE, "cachekit.testing", *testing, SIMULATION, *plugins):
        yield loader.modules_collection[name]


def links(module: Any) -> str:
    """A line of what is in it."""
    names = (name for name, member in public(module).items() if member.docstring)
    return f"- `{module.path}`: {', '.join(f'[`{name}`](#{name.lower()})' for name in names)}"


def of_module(module: Any) -> Iterator[str]:
    """What it is for, and its public names."""
    yield f"## {module.path}\n\n{prose(module)}"
    yield from of_members(module, "### ")


def of_members(owner: Any, mark: str) -> Iterator[str]:
    """Those that say nothing of themselves in one block, then the others."""
    members = public(owner)
    silent = [heading(name, member) for name, member in members.items() if not member.docstring]
    if silent and "dataclass" not in owner.labels:
        yield code(silent)
    for name, member in members.items():
        if member.docstring:
            yield f"{mark}{name}\n\n{code([heading(name, member)])}\n{prose(member)}"
            if member.is_class:
                yield from of_members(member, f"#### {name}.")


def public(owner: Any) -> dict[str, Any]:
    """By name, in the order of the source."""
    exported = None if owner.exports is None else {str(name) for name in owner.exports}
    return {
        name: member.final_target if member.is_alias else member
        for name, member in owner.members.items()
        if (name in exported if exported is not None else is_public(name, member))
        and not is_shown_elsewhere(owner, member)
    }


def is_shown_elsewhere(owner: Any, member: Any) -> bool:
    """Whether it is only handed on by `owner`: the FastAPI adapters export the response cache."""
    return bool(
        owner.path == "cachekit.fastapi"
        and member.is_alias
        and member.target_path.startswith("cachekit.http.")
    )


def is_public(name: str, member: Any) -> bool:
    """Where no `__all__` decides. Special methods are if they say what they do; no test is."""
    if member.is_alias or member.is_module or name.startswith(("test", "pytest_")):
        return False
    if name.startswith("_"):
        return name.endswith("__") and bool(member.docstring)
    typed = not member.is_attribute or member.annotation or member.parent.is_class
    return bool(member.docstring or typed)


def heading(name: str, member: Any) -> str:
    """How it is written: a signature, or a name with its type or value."""
    if member.is_function:
        marks = [f"@{mark.value}\n" for mark in member.decorators if str(mark.value) != "overload"]
        start = "async def " if "async" in member.labels else "def "
        return f"{''.join(marks)}{start}{member.signature(name=name)}: ..."
    if member.is_class:
        bases = f"({', '.join(map(str, member.bases))})" if member.bases else ""
        made = member.signature(name="__init__", return_type=False)
        body = f"\n    def {made}: ..." if len(member.parameters) > 1 else " ..."
        return f"class {name}{bases}:{body}"
    kind = f": {member.annotation}" if member.annotation else ""
    fixed = "class-attribute" in member.labels or member.parent.is_module
    return f"{name}{kind} = {member.value}" if member.value and fixed else f"{name}{kind}"


def code(lines: list[str]) -> str:
    """A block of it, as in a stub: it is not run."""
    return "\n".join(["```pyi", *lines, "```", ""])


def prose(member: Any) -> str:
    """The docstring, with its examples as blocks."""
    text = member.docstring.value if member.docstring else ""
    return re.sub(r"^>>> .*?(?=\n\n|\Z)", r"```pycon\n\g<0>\n```", text, flags=re.M | re.S) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page())
