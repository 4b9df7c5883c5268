"""The service under load while the Redis behind it is killed, frozen, flushed and replaced.

- `phases`: what happens to Redis, and when; `own_redis`: the Redis that it happens to
- `traffic`: what is asked for; `drive`: who asks, on time; `client`: how
- `watch`: which answers are too old; `figures`: what is counted
- `run`: all of it; `view`, `charts` and `report`: what is shown of it
"""
