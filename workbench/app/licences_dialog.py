"""The window that shows the licences of all parts: a searchable list, and the text of the chosen one."""

from __future__ import annotations

from PySide6.QtCore import Qt, Slot
from PySide6.QtGui import QFontDatabase
from PySide6.QtWidgets import (
    QDialog,
    QHeaderView,
    QLineEdit,
    QPlainTextEdit,
    QSplitter,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from workbench.app.licences import parts
from workbench.app.widgets import close_buttons

NO_TEXT = "{name} brings no licence text of its own; its metadata says: {licence}."


class LicencesDialog(QDialog):
    """Every part with its version and licence; the text of the one that is chosen stands beside the list."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Licences of all parts")
        self.resize(1080, 620)
        self._parts = parts()
        self.search = QLineEdit()
        self.search.setPlaceholderText("Search parts and licences …")
        self.search.setClearButtonEnabled(True)
        self.search.textChanged.connect(self._filter)
        self.list = QTreeWidget()
        self.list.setHeaderLabels(["Part", "Version", "Licence"])
        self.list.setRootIsDecorated(False)
        self.list.setUniformRowHeights(True)
        self.list.setAccessibleName("Parts")
        for part in self._parts:
            item = QTreeWidgetItem([part.name, part.version, part.licence])
            item.setToolTip(2, part.licence)
            self.list.addTopLevelItem(item)
        self.list.header().setSectionResizeMode(0, QHeaderView.ResizeMode.ResizeToContents)
        self.list.header().setSectionResizeMode(1, QHeaderView.ResizeMode.ResizeToContents)
        self.list.currentItemChanged.connect(self._show)
        self.text = QPlainTextEdit()
        self.text.setReadOnly(True)
        self.text.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self.text.setAccessibleName("Licence text")
        splitter = QSplitter(Qt.Orientation.Horizontal)
        splitter.addWidget(self.list)
        splitter.addWidget(self.text)
        splitter.setSizes([480, 600])
        buttons = close_buttons()
        buttons.rejected.connect(self.close)
        layout = QVBoxLayout(self)
        layout.addWidget(self.search)
        layout.addWidget(splitter, 1)
        layout.addWidget(buttons)
        self.list.setCurrentIndex(self.list.model().index(0, 0))

    @Slot()
    def _show(self) -> None:
        index = self.list.indexOfTopLevelItem(self.list.currentItem())
        part = self._parts[index]
        self.text.setPlainText(part.text or NO_TEXT.format(name=part.name, licence=part.licence))

    @Slot(str)
    def _filter(self, text: str) -> None:
        wanted = text.lower().split()
        for index, part in enumerate(self._parts):
            shown = f"{part.name} {part.licence}".lower()
            self.list.topLevelItem(index).setHidden(not all(word in shown for word in wanted))  # type: ignore[union-attr]
