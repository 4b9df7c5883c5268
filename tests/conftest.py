"""What holds for all tests."""

import gc


def pytest_collection_finish() -> None:
    """Thousands of tests are looked through no more whenever garbage is collected."""
    gc.collect()
    gc.freeze()
