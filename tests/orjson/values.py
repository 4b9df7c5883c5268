"""Values that are JSON, nested."""

from typing import Any

from hypothesis import strategies as st

SCALARS: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**64 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(st.characters(exclude_categories=["Cs"])),
    st.sampled_from([0.0, -0.0, 5e-324, 1e308, 1e16, 1.0, 2**53 + 1, "null", "\0", "\u2028"]),
)


def nested(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Lists and dicts of `inner`."""
    keys = st.text(st.characters(exclude_categories=["Cs"]))
    return st.one_of(st.lists(inner, max_size=4), st.dictionaries(keys, inner, max_size=4))


VALUES = st.recursive(SCALARS, nested, max_leaves=20)
