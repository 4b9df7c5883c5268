"""Opening, closing, and opening again."""

import asyncio
from typing import Final

from cachekit.backend import ABSENT, DONE, REFUSED
from cachekit.testing.backends.entries import an_entry
from cachekit.testing.backends.given import Given
from cachekit.testing.backends.subject import Subject, read, write

TURNS: Final = 100
PAUSE: Final = 0.01


class LifecycleTests(Given):
    """A backend that was closed can be opened again, and leaves nothing behind."""

    def test_it_can_be_opened_again(self, subject: Subject) -> None:
        """On the same event loop; what it held may be gone, what is new is there."""

        async def again() -> None:
            backend = subject.backend
            for number in range(3):
                assert await write(backend, "v:k", an_entry(version=number)) is DONE
                assert (await read(backend, "v:k"))["v:k"].version == number
                await backend.close()
                await backend.open()

        subject.run(again())
        assert subject.write("v:k", an_entry()) is DONE

    def test_it_can_be_opened_on_another_event_loop(self, subject: Subject) -> None:
        """Nothing of it hangs on the loop that opened it first, which is closed by then."""
        for number in range(3):
            assert subject.write("v:k", an_entry(version=number)) is DONE
            found = subject.find("v:k")
            assert found is not None
            assert found.version == number
            subject.close()
            subject.open()

    def test_what_was_forgotten_does_not_come_back(self, subject: Subject) -> None:
        """What is there after it was closed is what was there last, or nothing."""
        keys = ["v:replaced", "v:deleted", "v:kept"]
        subject.put((key, an_entry(version=1)) for key in keys)
        subject.close()
        subject.open()
        subject.put([("v:replaced", an_entry(version=2)), ("v:kept", an_entry(version=2))])
        assert subject.write("v:deleted", None) is DONE
        subject.close()
        subject.open()
        versions = {entry.version for entry in subject.read(*keys).values()}
        assert versions <= {2}, "what was deleted or replaced came back after close() and open()"
        assert subject.write("v:replaced", an_entry(), 1) is REFUSED
        assert subject.write("v:deleted", an_entry(), ABSENT) is DONE

    def test_closing_leaves_no_task_behind(self, subject: Subject) -> None:
        """Whatever it started has ended soon after `close()`."""

        async def use_and_close() -> list[str]:
            backend = subject.backend
            await asyncio.gather(*(write(backend, f"v:{n}", an_entry()) for n in range(20)))
            await asyncio.gather(*(read(backend, f"v:{n}") for n in range(20)))
            await backend.close()
            left = await still_there()
            await backend.open()
            return left

        assert subject.run(use_and_close()) == []


async def still_there() -> list[str]:
    """The other tasks of this event loop, after some time in which they may end."""
    for _ in range(TURNS):
        if len(asyncio.all_tasks()) == 1:
            return []
        await asyncio.sleep(PAUSE)
    return [repr(task) for task in asyncio.all_tasks() - {asyncio.current_task()}]
