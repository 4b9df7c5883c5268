"""The cache of this service.

It is made at import, since decorators need it then, and opens with the application. Two
environment variables shape it: `PLACES_CACHE`, a URL such as `redis://localhost`, and
`PLACES_CACHE_DISABLED`, which if set makes every call load.
"""

import os

from cachekit import Cache
from examples.places.events import events

cache = Cache(
    os.environ.get("PLACES_CACHE", "memory://?max_entries=20000"),
    namespace="places",
    ttl=300,
    jitter=0.1,  # what was loaded together does not expire together
    stale_if_error=3600,  # a database that fails does no harm to who has an old answer
    invalidators=[events],
    disabled="PLACES_CACHE_DISABLED" in os.environ,
)
