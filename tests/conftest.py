"""Every test gets a home of its own, so that nothing of the person who runs them is read or written."""

from __future__ import annotations

import gc
import os
import shutil
from pathlib import Path

import pytest

SUPPORT = Path(__file__).parent / "support"

os.environ.setdefault("OMP_NUM_THREADS", "1")


# Python collects garbage in whatever thread happens to allocate. A test's leftover widgets, which refer to each other
# in cycles, must not be destroyed by a thread of a later test: they go between tests, as they do in the application.
gc.disable()
OBJECTS_BETWEEN = 20_000
"""A full collection takes a tenth of a second or more once torch is loaded, so that it is not done after each test."""


@pytest.fixture(autouse=True)
def _collected_between_tests():
    yield
    if gc.get_count()[0] > OBJECTS_BETWEEN:
        gc.collect()


@pytest.fixture(autouse=True)
def home(tmp_path_factory, monkeypatch):
    folder = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("WORKBENCH_HOME", str(folder))
    return folder


@pytest.fixture
def user_plugins(home):
    """The user's plugin folder with the tiny test plugin in it, mounted."""
    from workbench.catalog import mount_user_folder
    from workbench.catalog.entry import reload_packages
    from workbench.runs import folders

    folder = folders().make().plugins
    shutil.copytree(SUPPORT / "plugins" / "tiny", folder / "tiny", ignore=shutil.ignore_patterns("__pycache__"))
    reload_packages("workbench_user_plugins.tiny")
    mount_user_folder(folder)
    return folder


@pytest.fixture
def tiny(user_plugins):
    """The catalog entry of the tiny test plugin."""
    from workbench.catalog import Catalog

    return Catalog.discover(user_plugins).entry("tiny")
