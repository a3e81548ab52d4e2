"""What every test may use; each plugin is one file."""

import gc
import os
from collections.abc import Generator

import pytest
from hypothesis import settings

pytest_plugins = [
    "tests.fixtures.database",
    "tests.fixtures.peers",
    "tests.fixtures.models",
    "tests.fixtures.workers",
]

# In CI the same cases each time; everywhere else new ones, and a failing one prints how to get it back.
settings.register_profile("ci", derandomize=True, print_blob=True)
settings.register_profile("dev", print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "dev")


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """What is imported and collected stays: the garbage collector need not look through it, neither now nor later."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()
