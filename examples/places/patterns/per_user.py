"""What belongs to one user: their id is in the key, and no cache outside may keep it.

Plain functions, which FastAPI runs in threads, are cached as those that await are.
"""

from fastapi import APIRouter

from cachekit.fastapi import CacheControl, cache_policy, cached, committed
from examples.places.caching import cache
from examples.places.dependencies import UseDatabase
from examples.places.models import Id, SettingsChange, UserSettings
from examples.places.patterns import key_naming
from examples.places.queries import save_settings, select_settings

router = APIRouter(dependencies=[cache_policy(browser=CacheControl(no_store=True))])


@router.get("/users/{user}/settings")
@cached(cache, ttl=600, key=key_naming.SETTINGS, ignore=["database"])
def read_settings(user: Id, database: UseDatabase) -> UserSettings:
    """The settings of a user, or the defaults."""
    return select_settings(database, user)


@router.put("/users/{user}/settings")
def write_settings(user: Id, change: SettingsChange, database: UseDatabase) -> UserSettings:
    """Save the settings of a user, then forget what is cached of them."""
    saved = save_settings(database, user, change)
    with committed(f"the settings of user {user} are changed"):
        read_settings.invalidate(user, database)
    return saved
