"""What a cache does, for who watches it: the figures of `Cache.stats()`, load times and spans.

- `cachekit.metrics.prometheus`, with the extra `prometheus`: `CacheCollector`, `LoadTimes`.
- `cachekit.metrics.opentelemetry`, with the extra `otel`: `observe`, `LoadTimes`, `LoadSpans`.

Both tell the same, under the same names. Figures are read when they are asked for, so that a hit
costs what it costs without. No key is ever a label.
"""
