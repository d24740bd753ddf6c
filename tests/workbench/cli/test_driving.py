"""Commands that drive the real window: they need a display, and leave what a person would see and export."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

pytestmark = pytest.mark.gl


def workbench(*arguments):
    done = subprocess.run(
        [sys.executable, "-m", "workbench", *map(str, arguments)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr + done.stdout
    return done


@pytest.fixture(autouse=True)
def display():
    if not os.environ.get("DISPLAY") and sys.platform == "linux":
        pytest.skip("needs a display")


def test_a_screenshot_shows_the_trained_panel_at_the_asked_size(user_plugins, tmp_path):
    for theme in ("light", "dark"):
        out = tmp_path / f"{theme}.png"
        workbench("screenshot", "tiny/fit", "--steps", 40, "--theme", theme, "--size", "1100x700", "--out", out)
        with Image.open(out) as picture:
            assert picture.size == (1100, 700)
            pixels = np.asarray(picture.convert("L"))
            assert (pixels.mean() < 100) == (theme == "dark")
            assert pixels.std() > 10, "the picture is not empty"


@pytest.mark.timeout(600)
def test_the_selftest_uses_every_plugin_and_finds_its_panels_again(home, tmp_path):
    from workbench.catalog import Catalog

    done = workbench("selftest", "--first", "--out", tmp_path / "out", "--steps", 3)
    summary = json.loads((tmp_path / "out/summary.json").read_text())
    built_in = [
        f"{entry.card.id}/{entry.card.experiments[0].id}"
        for entry in Catalog.discover().entries
        if entry.status == "ok"
    ]
    assert [result["experiment"] for result in summary["experiments"]] == built_in
    assert [result["problem"] for result in summary["experiments"]] == [""] * len(built_in)
    assert summary["restored_after_restart"]
    assert done.stdout.strip().endswith(f"{len(built_in)} passed, 0 failed")
    assert not (home / "data").exists(), "the person's own folder is left alone"
