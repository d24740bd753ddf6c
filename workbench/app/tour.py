"""A first walk through a panel: each step goes on by itself when the person has done what it says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QWidget
from typing_extensions import override

from workbench.app.icons import icon
from workbench.app.panel_shell import PanelShell
from workbench.engine import SessionState
from workbench.views.theme import theme


@dataclass(frozen=True)
class TourStep:
    """One sentence of what to do, and how to see that it is done."""

    text: str
    is_done: Callable[[PanelShell], bool]


def _has_trained(panel: PanelShell) -> bool:
    session = panel.session
    return session is not None and session.state in (SessionState.RUNNING, SessionState.FINISHED)


def _has_paused(panel: PanelShell) -> bool:
    session = panel.session
    return session is not None and session.state in (SessionState.PAUSED, SessionState.FINISHED)


def _has_changed(panel: PanelShell) -> bool:
    stack = panel.undo_stack
    return stack is not None and stack.count() > 0


def _reads(panel: PanelShell) -> bool:
    return panel.header.tab == "Paper"


STEPS = (
    TourStep("This is a paper you can run. Press Train at the upper left, or the space bar.", _has_trained),
    TourStep(
        "The model learns while you watch: curves, pictures and numbers are its own. Point at a view to see what the "
        "mouse can do there. Press Pause (space bar) when you have seen enough.",
        _has_paused,
    ),
    TourStep(
        "Change a parameter in the form. Fields marked live apply at once, the others after Reset; "
        "Ctrl+Z takes any change back.",
        _has_changed,
    ),
    TourStep("The tab Paper, at the upper right, says what the paper found, with its equations.", _reads),
    TourStep(
        "Every view has an export menu (⇩), and Ctrl+Shift+P finds every command by its name. That is all.",
        lambda panel: False,
    ),
)


class Tour(QWidget):
    """A bar over the panel; `ended` follows when the person closes it or reaches its end."""

    ended = Signal()

    def __init__(self, panel: PanelShell, parent: QWidget, steps: tuple[TourStep, ...] = STEPS) -> None:
        super().__init__(parent)
        self._panel, self._steps, self._index = panel, steps, 0
        self.setAccessibleName("Tour")
        picture = QLabel()
        picture.setPixmap(icon("mdi6.compass-outline", "accent").pixmap(22, 22))
        self._text = QLabel()
        self._text.setWordWrap(True)
        self._count = QLabel()
        self._next = QPushButton("Next")
        self._next.clicked.connect(self._forward)
        leave = QPushButton("End the tour")
        leave.clicked.connect(self._leave)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(14, 8, 10, 8)
        layout.setSpacing(12)
        layout.addWidget(picture, 0, Qt.AlignmentFlag.AlignTop)
        layout.addWidget(self._text, 1)
        for widget in (self._count, self._next, leave):
            layout.addWidget(widget)
        panel.changed.connect(self._look)
        panel.destroyed.connect(self._panel_gone)
        self._show_step()

    @property
    def step(self) -> int:
        """Index of the step that is shown."""
        return self._index

    def _show_step(self) -> None:
        self._text.setText(self._steps[self._index].text)
        self._count.setText(f"{self._index + 1} of {len(self._steps)}")
        self._next.setText("Done" if self._index == len(self._steps) - 1 else "Next")

    @Slot()
    def _look(self) -> None:
        if self._steps[self._index].is_done(self._panel):
            self._forward()

    @Slot()
    def _forward(self) -> None:
        if self._index == len(self._steps) - 1:
            self._leave()
            return
        self._index += 1
        self._show_step()

    @Slot()
    def _panel_gone(self) -> None:
        self.hide()
        self.deleteLater()

    @Slot()
    def _leave(self) -> None:
        self._panel.changed.disconnect(self._look)
        self._panel.destroyed.disconnect(self._panel_gone)
        self.hide()
        self.ended.emit()
        self.deleteLater()

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        colour = QColor(theme().accent)
        colour.setAlphaF(0.14)
        painter.fillRect(self.rect(), QColor(theme().window))
        painter.fillRect(self.rect(), colour)
