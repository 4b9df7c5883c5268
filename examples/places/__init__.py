"""A FastAPI service over SQLite, with cachekit between the two.

Read it in this order:

- `patterns`: one way to cache in each file, with the endpoints that use it
- `caching`: the caches, as `settings` has them from the environment
- `app`: the application; `models`: what goes over the wire
- `queries` and `database`: SQLite, which `fill` fills with the world's towns

`python -m examples.places` serves it, `python -m examples.places.demo` measures it.
"""
