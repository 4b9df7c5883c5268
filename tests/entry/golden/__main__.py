"""Writes the files that are missing."""

from cachekit.envelope import pack
from tests.entry.golden import FOLDER, GOLDEN

for name, (key, entry) in GOLDEN.items():
    file = FOLDER / f"{name}.bin"
    if not file.exists():
        file.write_bytes(pack(key, entry))
