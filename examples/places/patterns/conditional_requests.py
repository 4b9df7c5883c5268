"""Conditional requests: who has the article already is not sent it, and no update undoes another.

The version alone is read first; it is cheap and always the newest.
"""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Body, HTTPException

from cachekit.fastapi import CONDITIONAL_READ, CONDITIONAL_UPDATE, Conditions
from examples.places.dependencies import UseDatabase, found
from examples.places.models import Article, ArticleText, Id
from examples.places.queries import article_version, save_article, select_article

router = APIRouter()


@router.get("/places/{place_id}/article", responses=CONDITIONAL_READ)
async def read_article(place_id: Id, conditions: Conditions, database: UseDatabase) -> Article:
    """What was written of a place, unless the client has it."""
    version = await asyncio.to_thread(article_version, database, place_id)
    conditions.check(conditions.etag(found(version or None, f"no article of {place_id}")))
    article = await asyncio.to_thread(select_article, database, place_id)  # the work
    conditions.stamp(conditions.etag(article.version))  # it may be a newer one by now
    return article


@router.put("/places/{place_id}/article", responses=CONDITIONAL_UPDATE)
async def write_article(
    place_id: Id,
    text: Annotated[ArticleText, Body()],
    conditions: Conditions,
    database: UseDatabase,
) -> Article:
    """Write of a place. `If-Match` says which article this is a change of; `If-None-Match: *` that
    it is the first."""
    known = await asyncio.to_thread(article_version, database, place_id)
    version = found(known, f"no place {place_id}")
    if version == 0:
        conditions.check_absent()
    else:
        conditions.check(conditions.etag(version), required=True)
    # Two may come this far at once: the database lets one of them write.
    article = await asyncio.to_thread(save_article, database, place_id, text, version)
    if article is None:
        raise HTTPException(412, "It has changed since you read it.")
    conditions.stamp(conditions.etag(article.version))
    return article
