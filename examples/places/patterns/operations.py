"""Operations: what the cache does, and forgetting by hand, for who has the token."""

import secrets
from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import SecretStr

from cachekit.fastapi import operations
from examples.places.caching import cache, constants
from examples.places.patterns.after_commit import PlaceUpdated

bearer = HTTPBearer()


def operations_for(token: SecretStr) -> APIRouter:
    """The router for whoever sends `Authorization: Bearer` and `token`."""
    expected = token.get_secret_value().encode()

    def require_operator(sent: Annotated[HTTPAuthorizationCredentials, Depends(bearer)]) -> None:
        if not secrets.compare_digest(sent.credentials.encode(), expected):
            raise HTTPException(403, "not for you")

    return operations(
        {"default": cache, "constants": constants},
        auth=Depends(require_operator),
        events={"place-updated": PlaceUpdated},
    )
