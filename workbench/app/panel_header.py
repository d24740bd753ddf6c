"""The header of a panel: what paper this is, its tabs, its export menu."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, QUrl, Signal, Slot
from PySide6.QtGui import QAction, QDesktopServices
from PySide6.QtWidgets import QHBoxLayout, QMenu, QSizePolicy, QTabBar, QToolButton, QWidget

from workbench.app.icons import icon
from workbench.app.widgets import ElidedLabel
from workbench.sdk import PaperCard

TABS = ("Live", "Paper", "Reproduce", "Runs")
EXPORTS = (
    ("run", "Run folder…", "mdi6.folder-download-outline"),
    ("archive", "Run as one file…", "mdi6.archive-arrow-down-outline"),
    ("weights", "Weights (safetensors)…", "mdi6.database-export-outline"),
    ("metrics", "Metrics (CSV)…", "mdi6.table-arrow-down"),
    ("figures", "All figures (PNG, SVG, PDF, data)…", "mdi6.image-multiple-outline"),
)


class PanelHeader(QWidget):
    """Emits what is asked for; the shell does it."""

    tab_chosen = Signal(str)
    fold_clicked = Signal()
    export_clicked = Signal(str)

    def __init__(self, card: PaperCard) -> None:
        super().__init__()
        self._card = card
        self.fold = QToolButton()
        self.fold.setIcon(icon("mdi6.page-layout-sidebar-left"))
        self.fold.setAutoRaise(True)
        self.fold.setIconSize(QSize(18, 18))
        self.fold.setAccessibleName("Fold the left column")
        self.fold.setToolTip("Fold the left column (Ctrl+B)")
        self.fold.clicked.connect(self.fold_clicked)
        self.title = ElidedLabel(card.title, bold=True, scale=1.08)
        # The title gives way first, but takes its room where there is any.
        self.title.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.title.setMaximumWidth(self.title.fontMetrics().horizontalAdvance(card.title) + 12)
        byline = ElidedLabel(card.byline, "muted")
        byline.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Preferred)
        byline.setMaximumWidth(byline.sizeHint().width() + 8)
        self.link = QToolButton()
        self.link.setText(f"arXiv {card.arxiv}")
        self.link.setIcon(icon("mdi6.open-in-new", "accent"))
        self.link.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.link.setAutoRaise(True)
        self.link.setToolTip(f"Open {card.url} in the browser\n{', '.join(card.authors)}")
        self.link.setVisible(bool(card.arxiv))
        self.link.clicked.connect(self.open_link)
        self.tabs = QTabBar()
        self.tabs.setDrawBase(False)
        self.tabs.setExpanding(False)
        self.tabs.setAccessibleName("Tabs of the paper")
        for name in TABS:
            self.tabs.addTab(name)
        self.tabs.currentChanged.connect(self._tab_changed)
        self.export = QToolButton()
        self.export.setText("Export")
        self.export.setIcon(icon("mdi6.tray-arrow-down"))
        self.export.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.export.setAutoRaise(True)
        self.export.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.export.setMenu(self._make_menu())
        layout = QHBoxLayout(self)
        layout.setContentsMargins(6, 3, 8, 0)
        layout.setSpacing(8)
        layout.addWidget(self.fold)
        layout.addWidget(self.title, 10)
        layout.addWidget(byline, 1)
        layout.addWidget(self.link)
        layout.addStretch(1)
        layout.addWidget(self.export)
        layout.addWidget(self.tabs)

    def _make_menu(self) -> QMenu:
        menu = QMenu(self.export)
        for what, text, icon_name in EXPORTS:
            action = QAction(icon(icon_name), text, menu)
            action.setData(what)
            action.triggered.connect(self._exported)
            menu.addAction(action)
        return menu

    def show_tab(self, name: str) -> None:
        """Choose a tab by its name, in capitals or not; an unknown one is ignored."""
        if name.capitalize() in TABS:
            self.tabs.setCurrentIndex(TABS.index(name.capitalize()))

    @property
    def tab(self) -> str:
        """Name of the tab that is shown."""
        return TABS[self.tabs.currentIndex()]

    @Slot()
    def open_link(self) -> None:
        """Open the paper's page in the browser."""
        QDesktopServices.openUrl(QUrl(self._card.url))

    @Slot(int)
    def _tab_changed(self, index: int) -> None:
        self.tab_chosen.emit(TABS[index])

    @Slot()
    def _exported(self) -> None:
        action = self.sender()
        if isinstance(action, QAction):
            self.export_clicked.emit(str(action.data()))
