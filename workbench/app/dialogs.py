"""Small windows: details of a fault, the keyboard shortcuts, about, and the warning before a plugin is installed."""

from __future__ import annotations

import html
import platform
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

from PySide6.QtCore import Qt, Slot
from PySide6.QtGui import QFontDatabase, QGuiApplication, QKeySequence
from PySide6.QtWidgets import (
    QDialog,
    QLabel,
    QMessageBox,
    QPlainTextEdit,
    QPushButton,
    QTextBrowser,
    QVBoxLayout,
    QWidget,
)

from workbench.app.commands import Commands
from workbench.app.licences import DISTRIBUTION
from workbench.app.widgets import close_buttons


class DetailsDialog(QDialog):
    """A sentence and a traceback with a Copy button. Not modal: the rest goes on working."""

    def __init__(self, title: str, sentence: str, details: str, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(title)
        self.resize(720, 440)
        self._text = f"{sentence}\n\n{details}".strip()
        label = QLabel(sentence)
        label.setWordWrap(True)
        label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        text = QPlainTextEdit(details)
        text.setReadOnly(True)
        text.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        text.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        text.setAccessibleName("Details")
        copy = QPushButton("Copy details")
        copy.clicked.connect(self._copy)
        buttons = close_buttons(copy)
        buttons.rejected.connect(self.close)
        layout = QVBoxLayout(self)
        layout.addWidget(label)
        layout.addWidget(text, 1)
        layout.addWidget(buttons)

    @Slot()
    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(self._text)


class _TextDialog(QDialog):
    def __init__(self, title: str, text: str, parent: QWidget, width: int, height: int, *buttons: QPushButton) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(title)
        self.resize(width, height)
        browser = QTextBrowser()
        browser.setHtml(text)
        browser.setOpenExternalLinks(True)
        browser.setAccessibleName(title)
        row = close_buttons(*buttons)
        row.rejected.connect(self.close)
        layout = QVBoxLayout(self)
        layout.addWidget(browser, 1)
        layout.addWidget(row)

    @Slot()
    def show_licences(self) -> None:
        """Open the window of the licences over this one."""
        from workbench.app.licences_dialog import LicencesDialog

        LicencesDialog(self).show()


def shortcuts_dialog(commands: Commands, parent: QWidget) -> QDialog:
    """Return a window that lists every command that has a shortcut, by menu."""
    rows: dict[str, list[str]] = {}
    for command in commands.commands:
        if command.shortcut:
            keys = QKeySequence(command.shortcut).toString(QKeySequence.SequenceFormat.NativeText)
            row = f"<tr><td><b>{html.escape(keys)}</b>&nbsp;&nbsp;</td><td>{html.escape(command.title)}</td></tr>"
            rows.setdefault(command.category, []).append(row)
    parts = [f"<h3>{category}</h3><table>{''.join(lines)}</table>" for category, lines in rows.items()]
    mouse = (
        "<h3>Mouse</h3><p>Double-click a view's title to let it fill the panel, and again to see all views. "
        "Drag a tab to the edge of a pane to split it. Drop a plugin's folder or zip on the window to install it, "
        "a .workbench-run file to open it.</p>"
    )
    return _TextDialog("Keyboard shortcuts", "".join(parts) + mouse, parent, 460, 620)


def about_text() -> str:
    """Return what the application is and what it runs on, for the About window and for reports."""
    lines = [("Workbench", _version(DISTRIBUTION)), ("Python", platform.python_version())]
    lines += [(name, _version(name)) for name in ("PySide6-Essentials", "numpy", "torch", "pyqtgraph", "vispy")]
    lines.append(("System", f"{platform.system()} {platform.release()} {platform.machine()}"))
    table = "".join(f"<tr><td>{name}&nbsp;&nbsp;</td><td>{html.escape(value)}</td></tr>" for name, value in lines)
    return (
        "<h2>Paper workbench</h2><p>Deep-learning papers as live panels: train the paper's model, watch it learn, "
        "play with it, and check the paper's claims against numbers measured in front of you.</p>"
        f"<table>{table}</table>"
        "<p>It never looks for updates and sends nothing by itself: a new version comes the way this one came.</p>"
    )


def about_dialog(parent: QWidget) -> QDialog:
    """Return the About window, with a way to the licences of all parts."""
    licences = QPushButton("Licences of all parts…")
    dialog = _TextDialog("About", about_text(), parent, 520, 400, licences)
    licences.clicked.connect(dialog.show_licences)
    return dialog


def confirm_install(source: Path, install: Callable[[Path], None], parent: QWidget) -> QMessageBox:
    """Ask once, plainly, before a plugin is installed; `install` is called if the person agrees."""
    box = QMessageBox(parent)
    box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    box.setIcon(QMessageBox.Icon.Warning)
    box.setWindowTitle("Install a plugin")
    box.setText(f"Install {source.name}?")
    box.setInformativeText(
        "A plugin is code: it can do on this computer whatever you can do. Install it only if you trust its author."
    )
    agree = box.addButton("Install", QMessageBox.ButtonRole.AcceptRole)
    box.addButton(QMessageBox.StandardButton.Cancel)

    def clicked(button: object) -> None:
        if button is agree:
            install(source)

    box.buttonClicked.connect(clicked)
    box.open()
    return box


def _version(distribution: str) -> str:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return "not installed"
