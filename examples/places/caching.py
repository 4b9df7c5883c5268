"""The caches of this service. They are made at import, since decorators need them then, and open
with the application."""

from cachekit import Cache
from examples.places.patterns.after_commit import events
from examples.places.patterns.hit_rates import hit_rates
from examples.places.settings import StoreSettings

settings = StoreSettings()

cache = settings.cache(
    namespace="places",
    ttl=300,
    jitter=0.1,  # what was loaded together does not expire together
    stale_if_error=3600,  # a database that fails does no harm to who has an old answer
    invalidators=[events],
    listeners=[hit_rates],
)
"""Where `PLACES_CACHE` says, shared by all processes of the service."""

constants = Cache("memory://?max_entries=500", ttl=None, disabled=settings.disabled)
"""In this process alone, for what never changes; `patterns.constants` says why."""
