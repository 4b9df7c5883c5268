"""What is tried on steps that sign data and context: the places where they meet."""

import pytest

from cachekit.testing.borders import edged, moved, moved_edges


@pytest.mark.parametrize(
    ("stored", "context"),
    [
        (b"<ata>", b"keyd"),
        (b"<a>", b"keydat"),
        (b"<dat>", b"akey"),
        (b"<ydata>", b"ke"),
        (b"<datak>", b"ey"),
        (b"<datakey>", b""),
    ],
)
def test_bytes_move_both_ways_at_both_ends(stored: bytes, context: bytes) -> None:
    assert (stored, context) in {case[1:] for case in moved([b"<data>"], b"key")}


def test_nothing_stays_where_it_was() -> None:
    assert all(context != b"key" for _, _, context in moved([b"", b"<data>"], b"key"))


def test_what_may_part_data_and_context_moves_into_the_context() -> None:
    cases = [case[1:] for case in moved_edges(b"<" + edged(0x3A) + b">", 0x3A, b"key")]
    assert (b"<some bytes:>", b"key:") in cases
    assert (b"<:some bytes>", b":key") in cases
