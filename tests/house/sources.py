"""The files of this repository, as the tests of the house look at them."""

import ast
import subprocess
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
PLUGIN_FOLDERS = (ROOT / "backends", ROOT / "serializers")


def packages() -> list[Path]:
    """The import packages of the product: the core and every plug-in."""
    plugins = (path for folder in PLUGIN_FOLDERS for path in sorted(folder.glob("cachekit_*")))
    return [ROOT / "cachekit", *plugins]


def modules(package: Path) -> dict[str, Path]:
    """Every module of one import package, by its dotted name."""
    return {_dotted(path, package.parent): path for path in sorted(package.rglob("*.py"))}


def product() -> dict[str, Path]:
    """Every module that is shipped, by its dotted name."""
    return {name: path for package in packages() for name, path in modules(package).items()}


def imports(path: Path) -> Iterator[str]:
    """The dotted names that a file imports anywhere in it: a module, or a name in one."""
    for node in ast.walk(ast.parse(path.read_text(), str(path))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def committed() -> list[Path]:
    """Every text file under version control, or about to be."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    return [path for path in map(ROOT.joinpath, listed.stdout.splitlines()) if path.is_file()]


def _dotted(path: Path, start: Path) -> str:
    parts = path.relative_to(start).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
