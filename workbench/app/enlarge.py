"""Lets one view fill the panel by hiding what is beside it: nothing is reparented, so 3-D canvases live on."""

from __future__ import annotations

from PySide6.QtCore import QObject, Qt, Signal, Slot
from PySide6.QtWidgets import QStackedWidget, QTabWidget, QWidget

from workbench.views.base import View


class Enlarger(QObject):
    """Enlarges a view inside `root` and back; `changed` carries whether one is enlarged now."""

    changed = Signal(bool)

    def __init__(self, root: QWidget) -> None:
        super().__init__(root)
        self._root = root
        self._hidden: list[QWidget] = []
        self._view: View | None = None

    @property
    def view(self) -> View | None:
        """The view that fills the panel, or None."""
        return self._view

    @Slot(object)
    def toggle(self, view: View) -> None:
        """Let `view` fill the panel; if it does, show all views again."""
        was_enlarged = self._view is view
        self.restore()
        if not was_enlarged:
            self._enlarge(view)

    @Slot()
    def restore(self) -> None:
        """Show all views again."""
        if self._view is None:
            return
        for widget in self._hidden:
            widget.show()
        self._hidden, self._view = [], None
        self.changed.emit(False)

    def _enlarge(self, view: View) -> None:
        child: QWidget = view
        while child is not self._root:
            parent = child.parentWidget()
            if parent is None:
                break
            # In a stack or a tab widget the other pages are hidden already, and the bar shows where one is.
            if not isinstance(parent, QStackedWidget | QTabWidget):
                self._hide_siblings(child, parent)
            child = parent
        self._view = view
        self.changed.emit(True)

    def _hide_siblings(self, child: QWidget, parent: QWidget) -> None:
        direct = Qt.FindChildOption.FindDirectChildrenOnly
        for sibling in parent.findChildren(QWidget, options=direct):
            is_part_of_frame = sibling.objectName().startswith("qt_")
            if sibling is not child and not sibling.isHidden() and not sibling.isWindow() and not is_part_of_frame:
                sibling.hide()
                self._hidden.append(sibling)
