"""What goes into the bundle, found from the cards and the installed distributions, and what stays out of it."""

from __future__ import annotations

import importlib
import pkgutil
import shutil
import subprocess
import sys
import sysconfig
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from importlib import metadata
from pathlib import Path, PurePosixPath

from PyInstaller.depend.bindepend import get_imports
from PyInstaller.utils.hooks import collect_data_files, collect_submodules

from workbench.app.licences import BUNDLED, distributions
from workbench.catalog import Catalog

IDENTIFIER = "org.paper_workbench.PaperWorkbench"
EXCLUDED_MODULES = (
    "IPython", "PIL.AvifImagePlugin", "PyQt5", "PyQt6", "PySide2", "_pytest", "contourpy", "fontTools", "grpc",
    "hypothesis", "matplotlib", "mypy", "pandas", "pip", "pyarrow", "pytest", "setuptools", "tensorboard", "tkinter",
    "torch.testing._internal.codegen", "torch.testing._internal.distributed", "torch.testing._internal.generated",
    "torch.testing._internal.opinfo", "torch.utils.tensorboard", "turtle",
)  # fmt: skip
"""Nothing of the workbench uses them; they come in where a library would use them if it found them."""
EXCLUDED_DISTRIBUTIONS = ("fonttools",)
DATA_LEFT_TO_HOOKS = {"PySide6", "numpy", "scipy", "shiboken6", "sympy", "torch", "torchgen"}
DATA_USED = {
    "music21": ["**/*.xsd", "**/*.json"],  # its corpus is 67 MB, and the plugins ship what they use of it
    "qtawesome": ["fonts/materialdesignicons6*"],
}
"""What is used of packages that bring much more."""
NO_DATA = ["**/*.c", "**/*.cpp", "**/*.h", "**/*.pxd", "**/*.pyi", "**/*.pyx", "**/*.tp", "**/*.typed",
           "**/meson.build", "**/test/**", "**/tests/**"]  # fmt: skip
OPEN_LIBRARIES = ("scipy", "sklearn", "networkx")
"""What a plugin of the user's may import is there whole, beside what the built-in plugins happen to use."""
UNUSED_STANDARD_LIBRARY = {
    "antigravity", "ensurepip", "idlelib", "lib2to3", "nis", "pydoc_data", "test", "this", "tkinter", "turtle",
    "turtledemo", "venv",
}  # fmt: skip
_TEST_FOLDERS = {"tests", "test", "testing"}
_QT_LIBRARIES = {
    "Core", "DBus", "Gui", "Network", "OpenGL", "OpenGLWidgets", "Svg", "Test", "WaylandClient",
    "WaylandEglClientHwIntegration", "Widgets", "WlShellIntegration", "XcbQpa",
}  # fmt: skip
_QT_PLUGINS_UNUSED = ("egldeviceintegrations", "generic", "networkinformation", "qmltooling", "sqldrivers", "tls")
_QT_PLUGIN_FILES_UNUSED = ("qeglfs", "qgtk3", "qlinuxfb", "qminimalegl", "qpdf", "qtiff", "qvkkhrdisplay", "qvnc")


def plugin_modules() -> list[str]:
    """Return every module of every plugin that has a card, so that what it imports lazily is found too."""
    modules = ["plugins"]
    for entry in Catalog.discover().entries:
        if entry.card.folder is not None and entry.origin == "built-in":
            package = importlib.import_module(f"plugins.{entry.card.folder.name}")
            modules.append(package.__name__)
            modules += [found.name for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")]
    return modules


def standard_library() -> list[str]:
    """Return the modules of Python itself: a plugin of the user's may need any of them."""
    return sorted(
        name
        for name in sys.stdlib_module_names
        if not name.startswith("_") and name not in UNUSED_STANDARD_LIBRARY and importlib.util.find_spec(name)
    )


def open_modules() -> list[str]:
    """Return the modules of the libraries that a user's plugin may import."""
    return [
        name
        for library in OPEN_LIBRARIES
        for name in collect_submodules(library, filter=lambda name: not _is_of_tests(name.split(".")))
    ]


def bundled_distributions() -> list[metadata.Distribution]:
    """Return the workbench and what it needs, without what no part of it uses."""
    left_out = {*EXCLUDED_MODULES, *EXCLUDED_DISTRIBUTIONS}
    return [distribution for distribution in distributions() if distribution.name not in left_out]


def data_files() -> list[tuple[str, str]]:
    """Return the files beside the code as PyInstaller takes them: (source, folder in the bundle).

    Every package that the workbench needs brings its own, but for DATA_USED and what PyInstaller's hooks know better.
    """
    names = {distribution.name for distribution in bundled_distributions()}
    packages = sorted(name for name, owners in metadata.packages_distributions().items() if names & set(owners))
    found = []
    for package in packages:
        if package not in DATA_LEFT_TO_HOOKS and not package.startswith("_"):
            found += collect_data_files(package, includes=DATA_USED.get(package, ["**/*"]), excludes=NO_DATA)
    return found


def metadata_files() -> list[tuple[str, str]]:
    """Return names, versions, entry points and licences of the parts, without what says where they were installed."""
    found = []
    for distribution in bundled_distributions():
        for file in distribution.files or ():
            folder = next((part for part in file.parts if part.endswith(".dist-info")), None)
            if folder and file.name not in {"RECORD", "direct_url.json", "INSTALLER", "REQUESTED", "WHEEL"}:
                found.append((str(distribution.locate_file(file)), str(PurePosixPath(*file.parts[:-1]))))
    return found


def licence_files(binaries: Iterable[tuple[str, str, str]]) -> list[tuple[str, str]]:
    """Return the licences of what is no Python distribution: Qt's, Python's, and those of the system's libraries.

    Debian keeps a library's licence beside its package; on other systems no library of the system is bundled.
    """
    found = {file.stem: file for file in (Path(__file__).parent / BUNDLED).glob("*.txt")}
    python = Path(sysconfig.get_path("stdlib")) / "LICENSE.txt"
    if python.exists():
        found["Python"] = python
    system = [source for _, source, kind in binaries if kind == "BINARY" and source.startswith(("/usr/lib", "/lib"))]
    if system and shutil.which("dpkg-query"):
        owners = subprocess.run(["dpkg-query", "--search", *system], capture_output=True, text=True, check=False)
        for line in owners.stdout.splitlines():
            package = line.split(":")[0]
            if (file := Path("/usr/share/doc") / package / "copyright").exists():
                found[package] = file
    return [(name, str(file)) for name, file in sorted(found.items())]


def is_wanted(target: str) -> bool:
    """Whether a file that the analysis found is of use in the bundle; `target` is its path in it."""
    path = PurePosixPath(target.replace("\\", "/"))
    parts = path.parts
    if parts[0] == "torch":
        return _is_wanted_of_torch(path)
    if parts[0] == "PySide6" or path.name.startswith("libQt6"):
        return _is_wanted_of_qt(path)
    return not _is_of_tests(parts[1:-1]) or parts[0] == "numpy"


def _is_of_tests(names: Iterable[str]) -> bool:
    return any(name in _TEST_FOLDERS or name.startswith(("test_", "_test")) for name in names)


def _is_wanted_of_torch(path: PurePosixPath) -> bool:
    folder = path.parts[1] if len(path.parts) > 2 else ""
    if folder == "bin":
        return path.name == "torch_shm_manager"  # `import torch` looks whether it is there
    if folder in {"include", "share", "test"}:
        return False
    return not path.name.startswith(("libtorchbind_test", "libjitbackend_test", "libbackend_with"))


def _is_wanted_of_qt(path: PurePosixPath) -> bool:
    if {"translations", "qml", *_QT_PLUGINS_UNUSED} & set(path.parts):
        return False
    if path.name.startswith("libQt6"):
        return path.name.removeprefix("libQt6").split(".")[0] in _QT_LIBRARIES
    return not path.name.removeprefix("lib").startswith(_QT_PLUGIN_FILES_UNUSED)


def without_orphans(binaries: Sequence[tuple[str, str, str]]) -> list[tuple[str, str, str]]:
    """Leave out the libraries that nothing in the bundle loads any more; entries are (target, source, kind).

    Extension modules and plugins are loaded by name. A shared library at the top of the bundle, or in the folder of
    a wheel's libraries, is there for something that links to it; where that was left out, it goes too.
    """
    linked = {target: {Path(name).name for name, _ in get_imports(source)} for target, source, _ in binaries}
    named = {target: PurePosixPath(target).name for target, _, kind in binaries if _is_linked_library(target, kind)}
    needed: set[str] = set()
    waiting = [target for target in linked if target not in named]
    while waiting:
        names = linked[waiting.pop()]
        found = {target for target, name in named.items() if name in names} - needed
        needed |= found
        waiting += found
    return [entry for entry in binaries if entry[0] not in named or entry[0] in needed]


def _is_linked_library(target: str, kind: str) -> bool:
    path = PurePosixPath(target)
    is_at_top = len(path.parts) == 1 or path.parts[0].endswith(".libs")
    return is_at_top and kind in {"BINARY", "SYMLINK"} and not path.name.startswith("libpython")


def strip_symbols(folder: Path) -> None:
    """Take the symbol tables out of the libraries (Linux): a fifth of torch, and nothing reads them.

    Libraries that were patched when their wheel was made, to find others in a folder *.libs, may not survive it and
    are left alone.
    """
    strip = shutil.which("strip")
    if sys.platform != "linux" or strip is None:
        return
    inner = folder / "_internal"
    for file in inner.rglob("*.so*"):
        first = file.relative_to(inner).parts[0].removesuffix(".libs")
        is_patched = (inner / f"{first}.libs").exists() or first == "PySide6"
        if not is_patched and not file.is_symlink():
            subprocess.run([strip, "--strip-unneeded", str(file)], check=True)


def info_plist() -> dict[str, object]:
    """Return what macOS is told about the application: its document, and that it draws in high resolution."""
    kind = f"{IDENTIFIER}.run"
    return {
        "NSHighResolutionCapable": True,
        "LSApplicationCategoryType": "public.app-category.education",
        "CFBundleDocumentTypes": [
            {"CFBundleTypeName": "Workbench run", "CFBundleTypeRole": "Viewer", "LSItemContentTypes": [kind]}
        ],
        "UTExportedTypeDeclarations": [
            {
                "UTTypeIdentifier": kind,
                "UTTypeDescription": "Workbench run",
                "UTTypeConformsTo": ["public.data"],
                "UTTypeTagSpecification": {"public.filename-extension": ["workbench-run"]},
            }
        ],
    }


def sizes(folder: Path) -> Iterator[tuple[str, int]]:
    """Yield the parts of a bundle, largest first, with their sizes in bytes."""
    total: Counter[str] = Counter()
    for file in folder.rglob("*"):
        if file.is_file() and not file.is_symlink():
            relative = file.relative_to(folder)
            parts = relative.parts[1:] if relative.parts[0] == "_internal" else relative.parts
            total[_part(parts)] += file.stat().st_size
    yield from total.most_common()


def _part(parts: Iterable[str]) -> str:
    first, *rest = parts
    if first.startswith(("libQt6", "libicu")) or first == "PySide6":
        return "PySide6"
    if not rest:
        return "(files of the folder itself)"
    return first.removesuffix(".libs").split("-")[0] if first.endswith((".libs", ".dist-info")) else first


def print_sizes(folder: Path) -> None:
    """Print what each part of a bundle takes."""
    found = list(sizes(folder))
    total = sum(size for _, size in found)
    print(f"{total / 1e6:8.1f} MB  {folder.name}, all of it")
    for name, size in found:
        if size >= 1e6:
            print(f"{size / 1e6:8.1f} MB  {name}")


if __name__ == "__main__":
    print_sizes(Path(sys.argv[1]))
