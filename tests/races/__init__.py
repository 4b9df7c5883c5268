"""Several real processes on one store: a crew of them, the truth they share, and who checks them.

`stampede` and `rivalry` are run on any backend that a URL names; see `Store`.
"""
