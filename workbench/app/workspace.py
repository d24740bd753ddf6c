"""Panels as tabs, side by side as a person likes: a tree of splitters with panes of tabs at its leaves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QSplitter, QVBoxLayout, QWidget

from workbench.app.icons import icon
from workbench.app.pane import Pane, Side

_ORIENTATION = {
    "left": Qt.Orientation.Horizontal,
    "right": Qt.Orientation.Horizontal,
    "up": Qt.Orientation.Vertical,
    "down": Qt.Orientation.Vertical,
}


class Workspace(QWidget):
    """Holds pages under keys. A page stays in the same window all its life, so that 3-D canvases keep their context."""

    current_changed = Signal(object)  # the page that is current, or None
    layout_changed = Signal()
    close_requested = Signal(str)  # key of a page
    new_requested = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._keys: dict[QWidget, str] = {}
        self._permanent: set[QWidget] = set()
        self._root: Pane | QSplitter = self._new_pane()
        self._pane: Pane = self._root
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.addWidget(self._root)

    # Pages

    def add(self, key: str, page: QWidget, *, title: str, is_permanent: bool = False) -> None:
        """Add a page to the current pane and show it; a permanent one has no close button."""
        self._keys[page] = key
        page.setWindowTitle(title)
        if is_permanent:
            self._permanent.add(page)
        self._pane.add_page(page, is_closable=not is_permanent)
        self.layout_changed.emit()

    def remove(self, key: str) -> None:
        """Take a page out; a pane left without tabs goes too. The page is not deleted."""
        page = self.page(key)
        pane = self.pane_of(page)
        pane.removeTab(pane.indexOf(page))
        self._keys.pop(page)
        self._prune()
        self.layout_changed.emit()

    def page(self, key: str) -> QWidget:
        """Return the page called `key`; raise KeyError if there is none."""
        for page, known in self._keys.items():
            if known == key:
                return page
        raise KeyError(key)

    def has(self, key: str) -> bool:
        """Whether there is a page called `key`."""
        return key in self._keys.values()

    @property
    def keys(self) -> list[str]:
        """The keys of all pages, pane by pane in the order of their tabs."""
        return [self._keys[page] for pane in self.panes() for page in pane.pages()]

    def show_page(self, key: str) -> None:
        """Bring a page to the front of its pane and make it current."""
        page = self.page(key)
        pane = self.pane_of(page)
        pane.setCurrentWidget(page)
        self._activate(pane)

    @property
    def current(self) -> QWidget | None:
        """The page that commands are meant for."""
        return self._pane.currentWidget()

    @property
    def current_key(self) -> str:
        """Key of the current page; empty where there is none."""
        page = self.current
        return self._keys.get(page, "") if page is not None else ""

    def set_look(self, key: str, icon_name: str, colour: str, text: str, tip: str = "") -> None:
        """Show how a page stands on its tab."""
        page = self.page(key)
        pane = self.pane_of(page)
        index = pane.indexOf(page)
        look = f"{icon_name} {colour}"
        if page.property("tab_look") != look:
            page.setProperty("tab_look", look)
            pane.setTabIcon(index, icon(icon_name, colour))
        if pane.tabText(index) != text:
            page.setWindowTitle(text)
            pane.setTabText(index, text)
        pane.setTabToolTip(index, tip)

    # Panes

    def panes(self) -> list[Pane]:
        """All panes, from left to right and top to bottom."""
        return list(_leaves(self._root))

    def pane_of(self, page: QWidget) -> Pane:
        """Return the pane a page is in."""
        for pane in self.panes():
            if pane.indexOf(page) >= 0:
                return pane
        raise KeyError(self._keys.get(page, "a page that is not in the workspace"))

    def split(self, side: Side) -> None:
        """Move the current page into a new pane at `side` of its own."""
        page = self.current
        if page is not None and self._pane.count() > 1:
            self._move(page, self._pane, side)

    def move_to_next_pane(self) -> None:
        """Move the current page into the next pane."""
        page, panes = self.current, self.panes()
        if page is not None and len(panes) > 1:
            self._move(page, panes[(panes.index(self._pane) + 1) % len(panes)], "middle")

    def unsplit(self) -> None:
        """Put all pages into one pane, in their order."""
        current, first = self.current, self.panes()[0]
        for pane in self.panes()[1:]:
            for page in pane.pages():
                self._put(page, first)
        self._prune()
        if current is not None:
            first.setCurrentWidget(current)
        self._activate(first)
        self.layout_changed.emit()

    def cycle(self, by: int) -> None:
        """Show the page `by` tabs further, over all panes."""
        pages = [page for pane in self.panes() for page in pane.pages()]
        if self.current is not None:
            page = pages[(pages.index(self.current) + by) % len(pages)]
            self.show_page(self._keys[page])

    @Slot(object, object, str)
    def _move(self, page: QWidget, target: Pane, side: Side) -> None:
        if side == "middle":
            if target.indexOf(page) < 0:
                self._put(page, target)
        elif not (target.indexOf(page) >= 0 and target.count() == 1):
            target = self._split_pane(target, side)
            self._put(page, target)
        self._prune()
        self._activate(target)
        self.layout_changed.emit()

    def _split_pane(self, pane: Pane, side: Side) -> Pane:
        new, orientation, size = self._new_pane(), _ORIENTATION[side], pane.size()
        parent = pane.parentWidget()
        offset = 0 if side in ("left", "up") else 1
        if isinstance(parent, QSplitter) and parent.orientation() == orientation:
            sizes, index = parent.sizes(), parent.indexOf(pane)
            parent.insertWidget(index + offset, new)
            half = sizes[index] // 2
            sizes[index : index + 1] = [half, sizes[index] - half]
            parent.setSizes(sizes)
            return new
        splitter = self._new_splitter(orientation)
        if isinstance(parent, QSplitter):
            # QSplitter.replaceWidget would leave the pane without a window for a moment.
            sizes = parent.sizes()
            parent.insertWidget(parent.indexOf(pane), splitter)
            splitter.addWidget(pane)
            parent.setSizes(sizes)
        else:
            self._layout.replaceWidget(pane, splitter)
            self._root = splitter
            splitter.addWidget(pane)
        splitter.insertWidget(offset, new)
        splitter.show()
        # A splitter without a size of its own yet would divide by what its children like, not in halves.
        splitter.resize(size)
        splitter.setSizes([1000, 1000])
        return new

    def _put(self, page: QWidget, target: Pane) -> None:
        source = self.pane_of(page)
        index = source.indexOf(page)
        tab_icon, tip = source.tabIcon(index), source.tabToolTip(index)
        # No removal before: adding to the new pane moves the page over, without a moment without a window.
        target.add_page(page, is_closable=page not in self._permanent)
        target.setTabIcon(target.indexOf(page), tab_icon)
        target.setTabToolTip(target.indexOf(page), tip)

    def _prune(self) -> None:
        """Remove panes without tabs and splitters with one child."""
        for pane in self.panes():
            if pane.count() == 0 and pane is not self._root:
                self._discard(pane)
        self._root = self._collapsed(self._root)
        if self._layout.indexOf(self._root) < 0:
            self._layout.addWidget(self._root)
            self._root.show()
        if self._pane not in self.panes():
            self._pane = self.panes()[0]
            self.current_changed.emit(self.current)

    def _collapsed(self, node: Pane | QSplitter) -> Pane | QSplitter:
        if isinstance(node, Pane):
            return node
        for child in _children(node):
            smaller = self._collapsed(child)
            if smaller is not child:
                sizes = node.sizes()
                node.insertWidget(node.indexOf(child), smaller)
                self._discard(child)
                smaller.show()
                node.setSizes(sizes)
        children = _children(node)
        if len(children) != 1:
            return node
        only = children[0]
        if node is self._root:
            self._layout.replaceWidget(node, only)
            self._discard(node)
            only.show()
        return only

    def _discard(self, part: QWidget) -> None:
        """Take an empty part of the tree out at once; it is deleted when nobody is in the middle of a call to it.

        Without a parent, Python would own and delete it as soon as this returns, even from within its own signal.
        """
        part.hide()
        part.setParent(self)
        part.deleteLater()

    def _activate(self, pane: Pane) -> None:
        self._pane = pane
        self.current_changed.emit(self.current)

    @Slot(object)
    def _pane_activated(self, pane: Pane) -> None:
        if pane in self.panes():
            self._activate(pane)
            self.layout_changed.emit()

    @Slot(object)
    def _close_page(self, page: QWidget | None) -> None:
        if page is not None and page in self._keys and page not in self._permanent:
            self.close_requested.emit(self._keys[page])

    def activate_pane_of(self, widget: QWidget | None) -> None:
        """Make the pane current in which `widget` (the one with the focus) is."""
        while widget is not None and not isinstance(widget, Pane):
            widget = widget.parentWidget()
        if isinstance(widget, Pane) and widget is not self._pane and widget in self.panes():
            self._activate(widget)

    def _new_pane(self) -> Pane:
        pane = Pane(self)
        pane.activated.connect(self._pane_activated)
        pane.close_requested.connect(self._close_page)
        pane.dropped.connect(self._move)
        pane.new_requested.connect(self.new_requested)
        return pane

    def _new_splitter(self, orientation: Qt.Orientation) -> QSplitter:
        splitter = QSplitter(orientation, self)
        splitter.setChildrenCollapsible(False)
        splitter.splitterMoved.connect(self._splitter_moved)
        return splitter

    @Slot(int, int)
    def _splitter_moved(self, position: int, index: int) -> None:
        self.layout_changed.emit()

    # Saving

    def saved(self) -> dict[str, Any]:
        """Return splits, sizes and tab order as plain values."""
        return {"tree": self._node(self._root), "current": self.current_key}

    def _node(self, node: Pane | QSplitter) -> dict[str, Any]:
        if isinstance(node, Pane):
            shown = node.currentWidget()
            tabs = [self._keys[page] for page in node.pages()]
            return {"tabs": tabs, "shown": self._keys.get(shown, "") if shown is not None else ""}
        return {
            "split": "right" if node.orientation() == Qt.Orientation.Horizontal else "down",
            "sizes": node.sizes(),
            "parts": [self._node(child) for child in _children(node)],
        }

    def restore(self, layout: Mapping[str, Any]) -> None:
        """Arrange the pages as saved; pages that the layout does not know stay in the first pane."""
        known = {key: page for page, key in self._keys.items()}
        tree = layout.get("tree")
        if isinstance(tree, Mapping):
            old = self._root
            pages = [page for pane in self.panes() for page in pane.pages()]
            looks = {page: self._look(page) for page in pages}
            shown: list[tuple[Pane, QWidget]] = []
            self._root = self._built(tree, known, shown)
            self._layout.replaceWidget(old, self._root)
            self._pane = self.panes()[0]
            rest = [page for page in pages if page not in {p for pane in self.panes() for p in pane.pages()}]
            for page in rest:
                self._pane.add_page(page, is_closable=page not in self._permanent)
            for page, (tab_icon, tip) in looks.items():
                pane = self.pane_of(page)
                pane.setTabIcon(pane.indexOf(page), tab_icon)
                pane.setTabToolTip(pane.indexOf(page), tip)
            self._discard(old)
            self._root.show()
            self._prune()
            self._set_sizes(self._root, tree)
            for pane, page in shown:
                pane.setCurrentWidget(page)
        current = str(layout.get("current", ""))
        if self.has(current):
            self.show_page(current)

    def _look(self, page: QWidget) -> tuple[Any, str]:
        pane = self.pane_of(page)
        index = pane.indexOf(page)
        return pane.tabIcon(index), pane.tabToolTip(index)

    def _built(
        self, node: Mapping[str, Any], known: Mapping[str, QWidget], shown: list[tuple[Pane, QWidget]]
    ) -> Pane | QSplitter:
        parts = node.get("parts")
        if isinstance(parts, list) and parts:
            down = node.get("split") == "down"
            splitter = self._new_splitter(Qt.Orientation.Vertical if down else Qt.Orientation.Horizontal)
            for part in parts:
                splitter.addWidget(self._built(part if isinstance(part, Mapping) else {}, known, shown))
            return splitter
        pane = self._new_pane()
        for key in node.get("tabs") or ():
            if key in known:
                pane.add_page(known[key], is_closable=known[key] not in self._permanent)
        if node.get("shown") in known:
            shown.append((pane, known[node["shown"]]))
        return pane

    def _set_sizes(self, node: Pane | QSplitter, saved: Mapping[str, Any]) -> None:
        if isinstance(node, Pane):
            return
        sizes, parts = saved.get("sizes"), saved.get("parts")
        if isinstance(sizes, list) and len(sizes) == node.count() and all(isinstance(size, int) for size in sizes):
            node.setSizes(sizes)
        if isinstance(parts, list) and len(parts) == node.count():
            for child, part in zip(_children(node), parts, strict=True):
                self._set_sizes(child, part)


def _children(splitter: QSplitter) -> list[Pane | QSplitter]:
    found = [splitter.widget(index) for index in range(splitter.count())]
    return [child for child in found if isinstance(child, Pane | QSplitter)]


def _leaves(node: Pane | QSplitter) -> Iterator[Pane]:
    if isinstance(node, Pane):
        yield node
        return
    for child in _children(node):
        yield from _leaves(child)
