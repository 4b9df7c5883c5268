"""What a step promises that binds bytes to their context, or hides them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from cachekit.step import Step
from cachekit.testing import hostile
from cachekit.testing.borders import edged, moved, moved_edges
from cachekit.testing.child import Call
from cachekit.testing.steps.given import BRIEF, CONTEXT, DATA, LIMIT, Given

_TEXT: Final = b"sixteen of these" * 256  # as long as the blocks of ciphers
_WINDOW: Final = 8
_OFTEN: Final = 1000


class Guarding(Given):
    """Bytes are read where they belong, and as they were written; or nobody else can read them."""

    def test_a_changed_bit_is_noticed(self, step: Step) -> None:
        self.needs_guards()
        stored = [step.encode(data, CONTEXT) for data in BRIEF]
        self.reads(step, hostile.flipped([data for data in stored if len(data) <= 500]))

    def test_what_is_missing_or_added_is_noticed(self, step: Step, samples: list[bytes]) -> None:
        self.needs_guards()
        self.reads(step, (case for stored in samples for case in _cut(stored)))

    def test_bytes_of_another_context_are_refused(self, step: Step, samples: list[bytes]) -> None:
        self.needs_guards()
        cases = (
            (f"what was written for {CONTEXT!r}, read for {context!r},", stored, context, LIMIT)
            for stored in samples
            for context in hostile.contexts(CONTEXT)
        )
        self.refuses(step, cases)

    def test_nothing_can_be_moved_into_the_context_or_out_of_it(
        self, step: Step, samples: list[bytes]
    ) -> None:
        self.needs_guards()
        cases = [*moved([stored for stored in samples if len(stored) <= 500], CONTEXT)]
        for byte in range(256):
            cases += moved_edges(step.encode(edged(byte), CONTEXT), byte, CONTEXT)
        self.refuses(step, ((name, stored, context, LIMIT) for name, stored, context in cases))

    # -- what it hides

    def test_the_same_data_never_become_the_same_bytes(self, step: Step) -> None:
        self.needs_hides()
        for data in DATA:
            made = {step.encode(data, CONTEXT) for _ in range(_OFTEN)}
            assert len(made) == _OFTEN, (
                f"{len(data)} bytes, written {_OFTEN} times, became {len(made)} different ones: "
                "it needs a nonce that is new each time"
            )

    def test_a_process_that_was_forked_makes_other_bytes(self, step: Step, tmp_path: Path) -> None:
        self.needs_hides()
        file = tmp_path / "made"

        def write() -> int:
            return file.write_bytes(step.encode(_TEXT, CONTEXT))

        self.harms_nobody([Call("writing in a forked process", write)], NeverError)
        assert file.read_bytes() != step.encode(_TEXT, CONTEXT), (
            "a nonce that one process has used another one uses again: take it from os.urandom"
        )

    def test_the_data_cannot_be_seen_in_the_bytes(self, step: Step) -> None:
        self.needs_hides()
        stored = step.encode(_TEXT, CONTEXT)
        seen = _windows(_TEXT, _WINDOW) & _windows(stored, _WINDOW)
        assert not seen, f"{min(seen)!r} of the data is in the bytes"
        count = len(stored) - 2 * _WINDOW + 1
        repeated = count - len(_windows(stored, 2 * _WINDOW))
        assert repeated <= 0, "what is repeated in the data is repeated in the bytes"


class NeverError(Exception):
    """What writing may raise: nothing."""


def _windows(data: bytes, size: int) -> set[bytes]:
    return {data[at : at + size] for at in range(len(data) - size + 1)}


def _cut(stored: bytes) -> Iterator[hostile.Named]:
    for at in range(1, len(stored) + 1):
        yield f"{len(stored)} bytes without the last {at}", stored[:-at]
        yield f"{len(stored)} bytes without the first {at}", stored[at:]
    for more in (b"\0", b"\xff", bytes(16)):
        yield f"{len(stored)} bytes and {len(more)} more", stored + more
        yield f"{len(stored)} bytes behind {len(more)} more", more + stored
