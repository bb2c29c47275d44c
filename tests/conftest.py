"""For all tests: no test decides what the next one meets, nor a busy machine what hypothesis makes of them."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator

import pytest

from tests.kits.examples import offer_profiles
from tests.kits.servers.databases import beside, database, empty_database, registry, server, template

__all__ = ["beside", "database", "empty_database", "registry", "server", "template"]

offer_profiles()


def pytest_collection_finish() -> None:
    """What has been imported stays: no collection of garbage looks through it again, test after test."""
    gc.collect()
    gc.freeze()


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Bytes that are no text are named by their place alone.

    Packed ones tell the second they were packed in, keys are chance; and of tests whose names differ from one worker
    to the next none is run.
    """
    return argname if isinstance(val, bytes) and not (val.isascii() and val.decode().isprintable()) else None


@pytest.fixture(autouse=True)
def umask() -> Iterator[None]:
    """The region's commands keep what they write to themselves; called in this process, they would for all tests."""
    before = os.umask(0o022)
    os.umask(before)
    yield
    os.umask(before)
