"""Settings of users, read and written by plain functions for endpoints that run in threads."""

import logging

from cachekit import InvalidationError
from examples.places.caching import cache
from examples.places.database import Database
from examples.places.models import SettingsChange, UserSettings
from examples.places.queries import save_settings, select_settings

log = logging.getLogger(__name__)


class Users:
    """One per process, so `self` stays out of the keys."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @cache.cached(ttl=600, key="settings:{user}", ignore_self=True)
    def settings(self, user: int) -> UserSettings:
        """What the user saved last, or the defaults."""
        return select_settings(self._database, user)

    def save(self, user: int, change: SettingsChange) -> UserSettings:
        """Write the settings, then forget what is cached of them.

        Forget, not replace: two who save at once may come to the cache in another order than to
        the database.
        """
        saved = save_settings(self._database, user, change)
        try:
            self.settings.invalidate(user)
        except InvalidationError as error:  # it is committed, so the request has not failed
            log.warning("settings of user %d: %s", user, error)
        return saved
