"""What happens to Redis, one thing after the other."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from examples.places.outage.own_redis import OwnRedis


@dataclass(frozen=True)
class Phase:
    """`begin` is what it begins with. After it Redis is `away`, or there."""

    title: str
    begin: Callable[[OwnRedis], Awaitable[None]]
    away: bool = False


async def nothing(redis: OwnRedis) -> None:
    pass


async def freeze(redis: OwnRedis) -> None:
    redis.freeze()


async def thaw(redis: OwnRedis) -> None:
    redis.thaw()


ALONE = "no cache"

PHASES = (
    Phase("cold start", nothing),
    Phase("all well", nothing),
    Phase("kill -9", OwnRedis.kill, away=True),
    Phase("restarted", OwnRedis.start),
    Phase("frozen", freeze, away=True),
    Phase("thawed", thaw),
    Phase("FLUSHALL", OwnRedis.flush),
    Phase("replaced", OwnRedis.replace),
)
