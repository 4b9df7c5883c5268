"""One pattern in each file, as a part of the service; docs/patterns.md walks through them.

- `simple_decorator`: what may be a while old
- `cache_aside`: look, load, store, by hand
- `after_commit`: an update says what happened; what that made old is forgotten
- `key_naming`: keys and tags, all in one place
- `paginated_lists`: pages of a search, forgotten together
- `stampede`: many ask at once for what takes long
- `write_through`: a reader always finds it warm
- `per_user`: what belongs to one user
- `constants`: what never changes, in this process
- `rates`: what somebody else changes
- `conditional_requests`: who has it already is not sent it; an update loses no other
- `cache_control`: what caches outside may keep, and whole answers kept by ourselves
- `hit_rates`, `operations`: whether it works, and what to do if not
"""
