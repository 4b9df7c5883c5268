"""Writes the files that are missing."""

from cachekit.envelope import FORMAT, pack
from tests.entry.golden import FOLDERS, GOLDEN

for name, (key, entry) in GOLDEN.items():
    file = FOLDERS[FORMAT] / f"{name}.bin"
    if not file.exists():
        file.write_bytes(pack(key, entry))
