"""Values of builtin types, nested."""

import datetime
from collections import Counter, OrderedDict, defaultdict, deque
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

ZONES = st.sampled_from(["UTC", "Europe/Lisbon", "America/St_Johns", "Asia/Kathmandu"])
OFFSETS = st.timedeltas(datetime.timedelta(hours=-23), datetime.timedelta(hours=23))
TZINFOS = st.one_of(
    st.none(),
    st.just(datetime.UTC),
    OFFSETS.map(datetime.timezone),
    st.builds(datetime.timezone, OFFSETS, st.text(max_size=5)),
    ZONES.map(ZoneInfo),
)
MOMENTS = st.builds(
    lambda moment, fold, zone: moment.replace(fold=fold, tzinfo=zone),
    st.datetimes(),
    st.sampled_from([0, 1]),
    TZINFOS,
)

ATOMS: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(-(2**200), 2**200),
    st.floats(),
    st.complex_numbers(),
    st.text(),
    st.text(st.characters()),
    st.binary(),
)
SCALARS: st.SearchStrategy[Any] = st.one_of(
    ATOMS,
    MOMENTS,
    st.dates(),
    st.times(),
    st.timedeltas(),
    st.decimals(),
    st.just(Decimal("-sNaN12")),
    st.fractions(),
    st.uuids(),
)


def hashables(leaves: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Leaves, and tuples and frozensets of them."""
    return st.recursive(
        leaves,
        lambda inner: st.one_of(st.lists(inner, max_size=3).map(tuple), st.frozensets(inner)),
        max_leaves=4,
    )


def is_hashable(value: Any) -> bool:
    """Not so a signalling NaN."""
    return not (isinstance(value, Decimal) and value.is_snan())


KEYS = hashables(SCALARS.filter(is_hashable))


def nested(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Containers of `inner`."""
    lists = st.lists(inner, max_size=4)
    dicts = st.dictionaries(st.one_of(st.text(), KEYS), inner, max_size=4)
    return st.one_of(
        lists,
        lists.map(tuple),
        dicts,
        st.sets(KEYS, max_size=4),
        dicts.map(OrderedDict),
        dicts.map(lambda items: defaultdict(list, items)),
        st.builds(deque, lists, st.one_of(st.none(), st.integers(4, 9))),
        st.dictionaries(KEYS, st.integers(), max_size=4).map(Counter),
        st.binary().map(bytearray),
    )


VALUES = st.recursive(SCALARS, nested, max_leaves=12)
