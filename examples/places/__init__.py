"""A FastAPI service over SQLite, with cachekit between the two.

Read it in this order:

- `events`: what can happen, and what must be forgotten then
- `caching`: the cache
- `places` and `users`: the cached functions, and the updates
- `app`: the endpoints; `models`: what goes over the wire
- `queries` and `database`: SQLite, which `fill` fills with the world's towns

`python -m examples.places` serves it, `python -m examples.places.demo` measures it.
"""
