"""Links that deliver late, fall silent or break: no process reads what was old for too long."""

from collections.abc import Sequence
from typing import Final

import pytest

from tests.servers.fixtures import Starter
from tests.servers.server import RedisServer
from tests.tiered.ages import Acknowledged, Read, ages
from tests.tiered.fleet import SLACK, STALENESS, Fleet
from tests.tiered.players import CALM, CALM_AGAIN, Log

BOUND: Final = STALENESS + SLACK
SHORT: Final = (0.7, 2.5, 0.3)
LONG: Final = (15.0, 60.0, 15.0)
READS: Final = 150_000
"""In the long one; after that its last phase begins."""


def told(log: Log) -> str:
    oldest = sorted(log.ages())[-3:]
    shares = ", ".join(f"{log.share(phase):.1%} of {log.phases[phase][0]}" for phase in range(3))
    return (
        f"{len(log.reads)} reads; from copies {shares} (well, bad, well); oldest {oldest} s; "
        f"{sum(age >= BOUND for age in log.ages())} over {BOUND} s; {log.invalidations} "
        f"invalidations acknowledged, {log.unacknowledged} not"
    )


def test_an_answer_is_as_old_as_what_was_acknowledged_after_it() -> None:
    told = [Acknowledged(0, 3, 4.0), Acknowledged(0, 1, 1.0), Acknowledged(0, 2, 5.0)]
    reads = [Read(0, 0, 0.5), Read(0, 0, 6.0), Read(0, 1, 6.0), Read(0, 3, 6.0), Read(1, 0, 6.0)]
    assert list(ages(reads, told)) == [0.0, 5.0, 2.0, 0.0, 0.0]


@pytest.mark.timeout(600)
@pytest.mark.parametrize("seconds", [SHORT, pytest.param(LONG, marks=pytest.mark.long)], ids=str)
async def test_nobody_reads_what_was_old_for_longer_than_that(
    start: Starter, seconds: Sequence[float]
) -> None:
    server = start(RedisServer())
    log = await Fleet(server.port).run(seconds, reads=READS if seconds is LONG else 0)
    print(told(log))
    assert log.impossible == 0
    assert max(log.ages()) < BOUND
    assert log.invalidations > sum(seconds)
    assert log.share(CALM) > 0.25
    if seconds is LONG:
        assert len(log.reads) >= READS
        assert min(log.share(CALM), log.share(CALM_AGAIN)) > 0.5


@pytest.mark.long
@pytest.mark.timeout(600)
async def test_to_publish_changes_and_to_forget_all_on_reconnect_is_not_enough(
    start: Starter,
) -> None:
    """Else the counts above would show nothing."""
    server = start(RedisServer())
    log = await Fleet(server.port, published=True).run((5.0, 30.0, 5.0))
    print(told(log))
    assert log.impossible == 0
    assert max(log.ages()) > 2 * BOUND
