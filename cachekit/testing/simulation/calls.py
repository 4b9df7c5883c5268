"""Making one call and judging how it ended."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any, Final

from cachekit.errors import InvalidationError
from cachekit.testing.simulation.checker import Claim
from cachekit.testing.simulation.loads import Loader
from cachekit.testing.simulation.loop import where
from cachekit.testing.simulation.origin import LoadFailed
from cachekit.testing.simulation.question import Read
from cachekit.testing.simulation.weather import load_time
from cachekit.testing.simulation.world import Process, World

PROMPT: Final = 0.001
"""Seconds within which a cancelled caller is gone."""

PATIENCE: Final = 20.0
"""Seconds that any call may take: another's load, a lease, a load of its own."""


async def judged(
    world: World,
    read: Read,
    call: Coroutine[Any, Any, Any],
    judge: Callable[[Any], None],
    loader: Loader | None = None,
    within: float = PATIENCE,
    several: Mapping[str, Read] | None = None,
) -> None:
    """Make a read and have its value, or its error, judged, and how many seconds it took.

    If it is for `several` keys at once, `read` is for one of them.
    """
    task = asyncio.current_task()
    world.asking[read] = task
    try:
        value = await call
    except asyncio.CancelledError:
        if _was_cancelled(task):
            raise
        if loader is None or not any(load.raised_cancel for load in loader.loads):
            world.checker.fail(world.now(), read, "a CancelledError that nobody asked for")
    except Exception as error:
        failed = _failed(world, read, error, several or {})
        world.checker.fails(world.now(), failed, error, ours=loader.loads if loader else ())
    else:
        if _was_cancelled(task):
            world.checker.fail(world.now(), read, "swallowed a cancellation")
        if world.now() - read.asked > within + world.slack:
            world.checker.fail(world.now(), read, f"took {world.now() - read.asked:.3f} s")
        judge(value)
    finally:
        del world.asking[read]
        world.operations += 1


def _failed(world: World, read: Read, error: Exception, several: Mapping[str, Read]) -> Read:
    """Which of several questions that error is the answer to."""
    guilty = error.loads if isinstance(error, LoadFailed) else world.origin.timed_out
    return next((other for key, other in several.items() if key in guilty), read)


async def acknowledged(
    world: World, process: Process, claims: Sequence[Claim], call: Coroutine[Any, Any, Any]
) -> None:
    """Make a call that forgets or replaces; once it returns, its claims hold."""
    what = f"{process.name}: {claims[0].what}"
    try:
        answer = await call
    except InvalidationError:
        world.history.covered["unacknowledged invalidations"] += 1
        owe(world, process, claims)
    except asyncio.CancelledError:
        if _was_cancelled(asyncio.current_task()):
            raise
        world.checker.report(world.now(), f"{what} raised a CancelledError nobody asked for")
    except Exception as error:
        world.checker.report(world.now(), f"{what} raised {error!r}")
    else:
        if answer is not False:  # what `add` says if something was there
            hold(world, process, claims)
    finally:
        world.operations += 1


def hold(world: World, process: Process, claims: Sequence[Claim]) -> None:
    """Whoever asks from now on must see what the claims say."""
    for claim in claims:
        world.checker.acknowledged(world.now(), claim)


def owe(world: World, process: Process, claims: Sequence[Claim]) -> None:
    """Not acknowledged: its process counts on it at once, others once it is made up for."""
    for claim in claims:
        world.checker.note(world.now(), claim, "NOT acknowledged")
    if process.journals:
        world.debts.owe(process.link, claims)


async def perhaps_cancelled(
    world: World, work: Coroutine[Any, Any, None], loader: Loader | None = None
) -> None:
    """Run a reader's work; some are cancelled on the way."""
    if world.chance(world.weather.cancelled):
        await cancelled(world, work, loader)
    else:
        await work


async def cancelled(
    world: World, work: Coroutine[Any, Any, None], loader: Loader | None = None
) -> bool:
    """Cancel a caller after a while; False if it was done by then. It must be gone at once."""
    task = world.loop.create_task(work)
    await asyncio.wait({task}, timeout=_until_cancelled(world))
    if task.done():
        return False
    _leave(world, loader)
    task.cancel()
    await asyncio.wait({task}, timeout=PROMPT + world.slack)
    if not task.done():
        world.checker.report(world.now(), f"a cancelled caller does not leave: {where(task)}")
    return True


def _until_cancelled(world: World) -> float:
    mean = world.rng.choice([0.001, 0.01, load_time(world.rng, world.weather)])
    return world.rng.expovariate(1 / mean)


def _leave(world: World, loader: Loader | None) -> None:
    if loader is None:
        world.history.covered["other cancelled callers"] += 1
        return
    loader.left = True
    world.history.covered["cancelled leaders" if loader.loading else "cancelled waiters"] += 1


def _was_cancelled(task: "asyncio.Task[Any] | None") -> bool:
    return task is not None and task.cancelling() > 0
