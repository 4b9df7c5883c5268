"""Names stand in the place of each string that bytes hold."""

import json

import msgpack  # type: ignore[import-untyped]
import pytest

from cachekit.testing.strings import alone, replaced

VALUE = {"kind": 'a "b" \\', "é": ["", "x" * 40, 1]}
CHANGED = [
    {"name": 'a "b" \\', "é": ["", "x" * 40, 1]},
    {"kind": "name", "é": ["", "x" * 40, 1]},
    {"kind": 'a "b" \\', "name": ["", "x" * 40, 1]},
    {"kind": 'a "b" \\', "é": ["name", "x" * 40, 1]},
    {"kind": 'a "b" \\', "é": ["", "name", 1]},
]


@pytest.mark.parametrize("changed", CHANGED, ids=range(len(CHANGED)))
def test_each_string_of_a_value_is_replaced(changed: object) -> None:
    in_json = [data for _, data in replaced([json.dumps(VALUE).encode()], "name")]
    in_msgpack = [data for _, data in replaced([msgpack.packb(VALUE)], "name")]
    assert json.dumps(changed).encode() in in_json
    assert msgpack.packb(changed) in in_msgpack


def test_a_name_alone_is_a_whole_value() -> None:
    in_json, in_msgpack = (data for _, data in alone("name"))
    assert (json.loads(in_json), msgpack.unpackb(in_msgpack)) == ("name", "name")
