"""What goes into the bundle, and what desktops are told of it."""

import configparser
import importlib.util
import plistlib
import re
import sys
import tomllib
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from workbench import __version__
from workbench.__main__ import FILES
from workbench.app.application import APPLICATION_NAME
from workbench.app.licences import distributions, parts
from workbench.runs.archive import SUFFIX

ROOT = Path(__file__).parents[2]
PACKAGING = ROOT / "packaging"


@pytest.fixture(scope="module")
def bundle_parts():
    spec = importlib.util.spec_from_file_location("bundle_parts", PACKAGING / "bundle_parts.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("target", "is_wanted"),
    [
        ("torch/lib/libtorch_cpu.so", True),
        ("torch/bin/torch_shm_manager", True),
        ("torch/bin/protoc", False),
        ("torch/include/ATen/ATen.h", False),
        ("torch/test/test_x.py", False),
        ("torch/testing/_comparison.py", True),
        ("PySide6/Qt/lib/libQt6Widgets.so.6", True),
        ("PySide6/Qt/lib/libQt6Quick.so.6", False),
        ("PySide6\\translations\\qt_de.qm", False),
        ("PySide6/Qt/plugins/platformthemes/libqgtk3.so", False),
        ("PySide6/Qt/plugins/platforms/libqxcb.so", True),
        ("scipy/linalg/tests/data.npz", False),
        ("plugins/cm_hrnn/chorales.npz", True),
        ("vispy/glsl/build-spatial-filters.py", True),
    ],
)
def test_only_what_is_of_use_goes_into_the_bundle(bundle_parts, target, is_wanted):
    assert bundle_parts.is_wanted(target) is is_wanted


def test_every_module_of_every_plugin_is_collected_from_its_card(bundle_parts):
    modules = set(bundle_parts.plugin_modules())
    for card in (ROOT / "plugins").glob("*/plugin.toml"):
        named = re.findall(r'"\.([\w.]+):?\w*"', card.read_text(encoding="utf-8"))
        assert named
        assert {f"plugins.{card.parent.name}.{name}" for name in named} <= modules
        for file in card.parent.rglob("*.py"):
            dotted = ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
            assert dotted in modules


def test_the_whole_standard_library_is_there_for_plugins_of_users(bundle_parts):
    found = bundle_parts.standard_library()
    assert {"sqlite3", "csv", "xml", "asyncio", "statistics"} <= set(found)
    assert not {"test", "idlelib", "tkinter"} & set(found)


def test_no_file_of_the_metadata_says_where_the_parts_were_installed(bundle_parts):
    names = {Path(source).name for source, _ in bundle_parts.metadata_files()}
    assert "METADATA" in names
    assert not names & {"RECORD", "direct_url.json"}


def test_a_library_goes_when_the_last_one_that_links_to_it_is_gone(bundle_parts, monkeypatch):
    links = {"ext.so": ["libkept.so"], "libkept.so": ["libdeep.so"], "libdeep.so": [], "liborphan.so": ["libdeep.so"]}
    monkeypatch.setattr(bundle_parts, "get_imports", lambda source: [(name, None) for name in links[source]])
    binaries = [("pkg/ext.so", "ext.so", "EXTENSION")] + [(name, name, "BINARY") for name in list(links)[1:]]
    kept = [target for target, _, _ in bundle_parts.without_orphans(binaries)]
    assert kept == ["pkg/ext.so", "libkept.so", "libdeep.so"]


def test_every_part_tells_its_licence_and_the_needed_ones_are_all_there():
    names = {distribution.name.lower() for distribution in distributions()}
    with (ROOT / "pyproject.toml").open("rb") as file:
        needed = tomllib.load(file)["project"]["dependencies"]
    assert {re.match(r"[\w.-]+", text).group().lower().replace("-", "_") for text in needed} <= {
        name.replace("-", "_") for name in names
    }
    licences = {part.name: part for part in parts()}
    assert "BSD" in licences["numpy"].licence
    assert "Redistribution" in licences["numpy"].text
    assert "LGPL" in licences["PySide6_Essentials"].licence


def test_what_the_bundle_holds_beside_distributions_is_shown_with_its_text(tmp_path, monkeypatch):
    (tmp_path / "licences").mkdir()
    (tmp_path / "licences" / "libx11-6.txt").write_text("MIT/X11")
    monkeypatch.setattr(sys, "_MEIPASS", str(tmp_path), raising=False)
    assert (parts()[-1].name, parts()[-1].text) == ("libx11-6", "MIT/X11")


def test_all_desktops_know_the_run_file_and_the_version(bundle_parts):
    assert SUFFIX in FILES
    mime = ElementTree.parse(PACKAGING / "linux" / "paper-workbench-mime.xml").getroot()
    space = "{http://www.freedesktop.org/standards/shared-mime-info}"
    kind = mime.find(f"{space}mime-type")
    assert kind.find(f"{space}glob").get("pattern") == f"*{SUFFIX}"
    entry = configparser.ConfigParser(interpolation=None)
    entry.read(PACKAGING / "linux" / "paper-workbench.desktop", encoding="utf-8")
    assert kind.get("type") in entry["Desktop Entry"]["MimeType"]
    assert entry["Desktop Entry"]["StartupWMClass"] == APPLICATION_NAME  # as Qt names its windows to X11
    about = ElementTree.parse(PACKAGING / "linux" / f"{bundle_parts.IDENTIFIER}.metainfo.xml").getroot()
    assert about.findtext("id") == bundle_parts.IDENTIFIER
    assert about.find("provides").findtext("mediatype") == kind.get("type")
    plist = plistlib.loads(plistlib.dumps(bundle_parts.info_plist()))
    declared = plist["UTExportedTypeDeclarations"][0]
    assert declared["UTTypeTagSpecification"]["public.filename-extension"] == [SUFFIX[1:]]
    assert plist["CFBundleDocumentTypes"][0]["LSItemContentTypes"] == [declared["UTTypeIdentifier"]]
    script = (PACKAGING / "windows" / "workbench.iss").read_text(encoding="utf-8")
    assert f'#define Version "{__version__}"' in script
    assert f"Software\\Classes\\{SUFFIX}" in script
