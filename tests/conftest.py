"""What holds for all tests."""

import gc

pytest_plugins = ["tests.servers.fixtures"]


def pytest_collection_finish() -> None:
    """Thousands of tests are looked through no more whenever garbage is collected."""
    gc.collect()
    gc.freeze()
