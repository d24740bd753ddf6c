"""Asking for files and folders while the window lives on: a dialog's own event loop would hold up what waits.

`chosen` is called with what the person chose, and not at all where the dialog is cancelled.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog, QMessageBox, QWidget

Mode = QFileDialog.FileMode


def ask_file(
    parent: QWidget, title: str, kinds: Sequence[str], chosen: Callable[[Path], object], *, start: Path | str = ""
) -> QFileDialog:
    """Ask for a file that exists; `kinds` as in "Pictures (*.png *.jpg)"."""
    dialog = _dialog(parent, title, start, Mode.ExistingFile, kinds)
    dialog.fileSelected.connect(lambda path: chosen(Path(path)))
    dialog.open()
    return dialog


def ask_files(
    parent: QWidget, title: str, kinds: Sequence[str], chosen: Callable[[list[Path]], object], *, start: Path | str = ""
) -> QFileDialog:
    """Ask for one file or several that exist."""
    dialog = _dialog(parent, title, start, Mode.ExistingFiles, kinds)
    dialog.filesSelected.connect(lambda paths: chosen([Path(path) for path in paths]))
    dialog.open()
    return dialog


def ask_folder(parent: QWidget, title: str, chosen: Callable[[Path], object], *, start: Path | str = "") -> QFileDialog:
    """Ask for a folder that exists."""
    dialog = _dialog(parent, title, start, Mode.Directory, ())
    dialog.setOption(QFileDialog.Option.ShowDirsOnly)
    dialog.fileSelected.connect(lambda path: chosen(Path(path)))
    dialog.open()
    return dialog


def ask_target(
    parent: QWidget, title: str, proposal: Path | str, kinds: Sequence[str], chosen: Callable[[Path], object]
) -> QFileDialog:
    """Ask where to write a file; it gets the suffix of `proposal` where the person types none."""
    dialog = _dialog(parent, title, proposal, Mode.AnyFile, kinds)
    dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
    dialog.setDefaultSuffix(Path(proposal).suffix[1:])
    dialog.fileSelected.connect(lambda path: chosen(Path(path)))
    dialog.open()
    return dialog


def ask_new_folder(parent: QWidget, title: str, proposal: Path | str, chosen: Callable[[Path], object]) -> QFileDialog:
    """Ask for a folder that need not exist yet: Qt's own save dialog serves, with the kinds of files left out."""
    dialog = _dialog(parent, title, proposal, Mode.AnyFile, ("Folder (*)",))
    dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
    dialog.setOption(QFileDialog.Option.DontConfirmOverwrite)
    dialog.fileSelected.connect(lambda path: chosen(Path(path)))
    dialog.open()
    return dialog


def tell_problem(parent: QWidget, title: str, sentence: str) -> QMessageBox:
    """Show why something could not be done."""
    box = QMessageBox(QMessageBox.Icon.Warning, title, sentence, QMessageBox.StandardButton.Ok, parent)
    box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    box.open()
    return box


def _dialog(parent: QWidget, title: str, start: Path | str, mode: Mode, kinds: Sequence[str]) -> QFileDialog:
    dialog = QFileDialog(parent, title, str(start or Path.home()))
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.setFileMode(mode)
    if kinds:
        dialog.setNameFilters(list(kinds))
    return dialog
