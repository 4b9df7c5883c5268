"""What endpoints are given, and what several of them do."""

from typing import Annotated, TypeVar

from fastapi import Depends, HTTPException, Request

from examples.places.database import Database

T = TypeVar("T")


async def the_database(request: Request) -> Database:
    """The one of this application, which opened it at its start."""
    database: Database = request.app.state.database
    return database


UseDatabase = Annotated[Database, Depends(the_database)]


def found(thing: T | None, otherwise: str) -> T:
    """`thing`, or 404."""
    if thing is None:
        raise HTTPException(404, otherwise)
    return thing
