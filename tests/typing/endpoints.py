"""What type-checkers make of cached endpoints. Wrong use is marked by its errors."""

from typing import Annotated, assert_type

from fastapi import Depends, FastAPI, Response
from pydantic import BaseModel

from cachekit import Cache
from cachekit.fastapi import CacheDep, CacheSettings, RedisDep, cached, lifespan, named
from cachekit.missing import IsMissing

cache = CacheSettings().cache(namespace="shop", ttl=60)
app = FastAPI(lifespan=lifespan(cache, sessions=Cache(), redis="redis://localhost"))


class User(BaseModel):
    id: int


class Session:
    pass


@app.get("/{number}")
@cached(cache, vary_on={"user": lambda user: user.id}, tags=["a:{number}"], ignore=["session"])
async def read(
    number: int,
    user: Annotated[User, Depends(User)],
    session: Annotated[Session, Depends(Session)],
    response: Response,
) -> list[User]:
    return [user]


@app.get("/plain/{number}")
@cached(cache, vary_on=["user"], ttl=5)
def read_plain(number: int, user: Annotated[User, Depends(User)]) -> str:
    return str(number)


@app.get("/wired")
async def wired(
    cache: CacheDep, other: Annotated[Cache, Depends(named("sessions"))], redis: RedisDep
) -> None:
    assert_type(cache, Cache)
    assert_type(other, Cache)
    redis.pipeline()


async def uses(user: User, session: Session, response: Response) -> None:
    assert_type(await read(1, user, session, response), list[User])
    assert_type(await read.refresh(1, user, session, response), list[User])
    assert_type(await read.get(1, user, session, response), list[User] | IsMissing)
    assert_type(read.key(1, user, session, response), str)
    await read.invalidate("1", user, session, response)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    assert_type(read_plain(1, user), str)
    read_plain.invalidate(1)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    cached(cache, ttk=5)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    cached(cache, vary_on=5)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
