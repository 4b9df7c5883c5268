"""Programs that run on cachekit and can be copied from."""
