"""Plugins from three places; one that is broken is told, and hides nothing."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile

import pytest

from workbench.catalog import BrokenPlugin, Catalog
from workbench.catalog.entry import reload_packages
from workbench.sdk import UserError

PAPERS = 27

BROKEN_CARDS = {
    "not toml": ("plugin.toml", "id = [", "cannot be read"),
    "an entry is missing": ("plugin.toml", 'id = "broken"\ntitle = "t"\n', "Field required".lower()),
    "an unknown entry": ("plugin.toml", None, "extra inputs"),
}
BROKEN_CODE = {
    "contract that does not import": ("contract.py", "import nothing_of_this_name\n"),
    "contract with a syntax error": ("contract.py", "class (:\n"),
    "panel that raises": ("panel.py", "raise RuntimeError('no panel today')\n"),
    "panel without its class": ("panel.py", "FitPanel = None\n"),
    "parameters that are no Parameters": ("contract.py", "class FitParameters: pass\nclass CountParameters: pass\n"),
}


@pytest.fixture
def broken(user_plugins):
    """A second copy of the test plugin, to be damaged."""
    folder = user_plugins / "broken"
    shutil.copytree(user_plugins / "tiny", folder)
    card = folder / "plugin.toml"
    card.write_text(card.read_text().replace('id = "tiny"', 'id = "broken"'))
    reload_packages("workbench_user_plugins.broken")
    return folder


def test_all_papers_are_in_the_catalog_and_reading_it_imports_no_plugin(user_plugins):
    papers = [entry for entry in Catalog.discover(user_plugins).entries if entry.origin == "built-in"]
    assert len(papers) == PAPERS
    assert len({entry.card.arxiv for entry in papers}) == PAPERS
    script = (
        "import sys; from pathlib import Path; from workbench.catalog import Catalog\n"
        "entries = Catalog.discover(Path(sys.argv[1])).entries\n"
        "assert [e for e in entries if e.card.id == 'tiny' and e.status == 'ok']\n"
        "print([n for n in sys.modules if n.startswith(('plugins.', 'workbench_user_plugins.tiny'))])"
    )
    fresh = subprocess.run([sys.executable, "-c", script, str(user_plugins)], capture_output=True, text=True)
    assert fresh.stdout.strip() == "[]", fresh.stderr


def test_a_plugin_of_the_user_works_beside_the_built_in_ones(tiny):
    assert tiny.origin == "user"
    assert tiny.status == "ok"
    assert tiny.parameters_type("fit")().steps == 200
    assert [claim for claim in tiny.claims()] == ["learns", "never"]


@pytest.mark.parametrize("case", BROKEN_CARDS)
def test_a_card_that_cannot_be_used_is_shown_as_broken_with_the_reason(case, broken, user_plugins):
    name, text, words = BROKEN_CARDS[case]
    text = (
        text if text is not None else (broken / name).read_text().replace("year = 2026", 'year = 2026\ncolour = "red"')
    )
    (broken / name).write_text(text)
    catalog = Catalog.discover(user_plugins)
    entry = catalog.entry("broken")
    assert entry.status == "broken"
    assert words in entry.error.lower()
    assert catalog.entry("tiny").status == "ok"


@pytest.mark.parametrize("case", BROKEN_CODE)
def test_code_that_fails_is_shown_as_broken_with_its_traceback(case, broken, user_plugins):
    name, text = BROKEN_CODE[case]
    (broken / name).write_text(text)
    catalog = Catalog.discover(user_plugins)
    entry = catalog.entry("broken")
    with pytest.raises(BrokenPlugin) as raised:
        entry.parameters_type("fit")
        entry.view_type("fit")
    assert entry.status == "broken"
    assert str(raised.value).count("\n") == 0
    assert raised.value.details
    assert catalog.entry("tiny").view_type("fit").__name__ == "FitView"


def test_a_folder_without_a_card_is_no_plugin(user_plugins):
    (user_plugins / "notes").mkdir()
    assert "notes" not in [entry.card.id for entry in Catalog.discover(user_plugins).entries]


def test_a_plugin_installs_from_a_folder_and_from_a_zip(user_plugins, tmp_path):
    catalog = Catalog.discover(user_plugins)
    source = tmp_path / "shared" / "second"
    shutil.copytree(user_plugins / "tiny", source)
    (source / "plugin.toml").write_text((source / "plugin.toml").read_text().replace('"tiny"', '"second"'))
    with zipfile.ZipFile(tmp_path / "second.zip", "w") as archive:
        for file in source.rglob("*"):
            archive.write(file, file.relative_to(source.parent))
    assert catalog.install(source).status == "ok"
    shutil.rmtree(user_plugins / "second")
    entry = catalog.install(tmp_path / "second.zip")
    assert entry.parameters_type("count")().steps == 20_000
    assert [other.card.id for other in catalog.entries].count("second") == 1


def test_a_zip_that_reaches_outside_its_folder_is_refused(user_plugins, tmp_path):
    bad = tmp_path / "bad.zip"
    with zipfile.ZipFile(bad, "w") as archive:
        archive.writestr("../evil.py", "x = 1")
        archive.writestr("plugin.toml", "")
    with pytest.raises(UserError, match="outside"):
        Catalog.discover(user_plugins).install(bad)
    assert not (user_plugins.parent / "evil.py").exists()
    assert sorted(path.name for path in user_plugins.iterdir()) == ["tiny"]


@pytest.mark.parametrize("content", [b"", b"not a zip", None])
def test_something_that_is_no_plugin_is_refused_with_one_sentence(content, user_plugins, tmp_path):
    source = tmp_path / "thing"
    source.mkdir() if content is None else source.write_bytes(content)
    with pytest.raises(UserError) as raised:
        Catalog.discover(user_plugins).install(source)
    assert "\n" not in str(raised.value)
    assert sorted(path.name for path in user_plugins.iterdir()) == ["tiny"]


def test_an_installed_distribution_brings_a_plugin_by_entry_point(monkeypatch, user_plugins):
    import importlib.metadata

    points = importlib.metadata.EntryPoints(
        [
            importlib.metadata.EntryPoint("tiny", "workbench_user_plugins.tiny", "workbench.plugins"),
            importlib.metadata.EntryPoint("gone", "no_such_package", "workbench.plugins"),
        ]
    )
    monkeypatch.setattr(importlib.metadata, "entry_points", lambda group: points)
    catalog = Catalog.discover(None)
    assert catalog.entry("tiny").origin == "installed"
    assert catalog.entry("gone").status == "broken"
    assert "no_such_package" in catalog.entry("gone").error
