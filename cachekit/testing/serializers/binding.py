"""What a `BoundSerializer` promises: bytes that are worth nothing out of their place."""

from functools import partial
from typing import Any, Final

from cachekit.serializer import BoundSerializer
from cachekit.testing import hostile
from cachekit.testing.borders import moved
from cachekit.testing.child import Call
from cachekit.testing.harmless import was_read
from cachekit.testing.serializers.given import Given

_CONTEXT: Final = b"\x05v:key\x07format\0\0"


class Binding(Given):
    """Bytes of one entry are read for that one only, and only as they were written."""

    def test_it_is_called_the_same_for_each_entry(self, bound: BoundSerializer) -> None:
        for one in map(bound.bind, (_CONTEXT, b"")):
            assert (one.id, one.fingerprint) == (bound.id, bound.fingerprint)

    def test_a_value_comes_back_for_its_entry(self, bound: BoundSerializer) -> None:
        def comes_back(value: Any) -> None:
            made = bound.bind(_CONTEXT).loads(bound.bind(_CONTEXT).dumps(value))
            assert self.equal(made, value), f"{value!r} came back as {made!r}"

        self.each_value(comes_back)

    def test_bytes_of_another_entry_are_refused(self, bound: BoundSerializer) -> None:
        data = bound.bind(_CONTEXT).dumps(self.some_values()[0])
        calls = (
            Call(
                f"what was written for {_CONTEXT!r}, read for {context!r},",
                partial(bound.bind(context).loads, data),
                was_read,
            )
            for context in hostile.contexts(_CONTEXT)
        )
        self.harms_nobody(calls, self.unreadable)

    def test_nothing_can_be_moved_between_an_entry_and_its_bytes(
        self, bound: BoundSerializer
    ) -> None:
        written = [bound.bind(_CONTEXT).dumps(value) for value in self.some_values()]
        calls = (
            Call(name, partial(bound.bind(context).loads, data), was_read)
            for name, data, context in moved(sorted(written, key=len)[:3], _CONTEXT)
        )
        self.harms_nobody(calls, self.unreadable)

    def test_damaged_bytes_of_an_entry_are_refused(self, bound: BoundSerializer) -> None:
        one = bound.bind(_CONTEXT)
        cases = hostile.damaged([one.dumps(value) for value in self.some_values()])
        calls = (Call(name, partial(one.loads, data), was_read) for name, data in cases)
        self.harms_nobody(calls, self.unreadable)
