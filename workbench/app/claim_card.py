"""One claim on the Reproduce tab: what the paper says, what was measured here, a figure, and a button to run it."""

from __future__ import annotations

import html
from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import QSize, Qt, Signal, Slot
from PySide6.QtGui import QAction
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QMenu,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from workbench.app.icons import icon
from workbench.app.run_table import cell_text
from workbench.app.widgets import ColouredLabel, ProgressStrip, duration_text, guard_wheel
from workbench.sdk import ClaimCard, Progress
from workbench.views.claim_figure import claim_figure
from workbench.views.plot import PlotView
from workbench.views.theme import theme

VERDICTS: Mapping[bool | None, tuple[str, str, str]] = {
    True: ("holds", "mdi6.check-circle", "success"),
    False: ("does not hold", "mdi6.close-circle", "error"),
    None: ("not run", "mdi6.circle-outline", "muted"),
}
"""Word, icon and colour of a verdict."""
FIGURE_SIZE = QSize(330, 210)
TABLE_ROWS = 8


class ClaimCardView(QFrame):
    """Shows the user's own result where there is one, else the recorded one, and says which it is.

    `run_asked` carries (claim, scale), `stop_asked` the claim, `forget_asked` the claim.
    """

    run_asked = Signal(str, str)
    stop_asked = Signal(str)
    forget_asked = Signal(str)

    def __init__(self, claim: ClaimCard) -> None:
        super().__init__()
        self.claim = claim
        self.result: Mapping[str, Any] | None = None
        self.is_own = False
        self.figure: PlotView | None = None
        self._problem = ""
        self.setFrameShape(QFrame.Shape.StyledPanel)
        self.setAccessibleName(claim.statement)
        self._mark = QLabel()
        self._mark.setFixedSize(22, 22)
        self.verdict = ColouredLabel("not run")
        self.verdict.setContentsMargins(0, 5, 4, 0)
        self._statement = QLabel(claim.statement)
        self._statement.setWordWrap(True)
        font = self._statement.font()
        font.setBold(True)
        self._statement.setFont(font)
        self._facts = QLabel()
        self._facts.setWordWrap(True)
        self._facts.setTextFormat(Qt.TextFormat.RichText)
        self._facts.setAlignment(Qt.AlignmentFlag.AlignTop)
        self._facts.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._facts.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Minimum)
        theme().changed.connect(self._show_facts)
        self.button = QToolButton()
        self.button.setPopupMode(QToolButton.ToolButtonPopupMode.MenuButtonPopup)
        self.button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.button.clicked.connect(self._clicked)
        self.progress = ProgressStrip()
        self.progress_text = ColouredLabel(scale=0.92)
        self._figure_place = QVBoxLayout()
        self._lay_out()
        self.show_idle()

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.setSpacing(8)
        head.addWidget(self._mark, 0, Qt.AlignmentFlag.AlignTop)
        head.addWidget(self._statement, 1)
        head.addWidget(self.verdict, 0, Qt.AlignmentFlag.AlignTop)
        head.addWidget(self.button, 0, Qt.AlignmentFlag.AlignTop)
        left = QVBoxLayout()
        left.addWidget(self._facts)
        left.addWidget(self.progress_text)
        left.addWidget(self.progress)
        left.addStretch(1)
        body = QHBoxLayout()
        body.setSpacing(16)
        body.addLayout(left, 1)
        body.addLayout(self._figure_place)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 10, 12, 10)
        layout.setSpacing(8)
        layout.addLayout(head)
        layout.addLayout(body)

    # What is shown

    def describe(self, claim: ClaimCard) -> None:
        """Take over what the plugin itself says of the claim, such as its cost."""
        self.claim = claim
        self._statement.setText(claim.statement)
        self.show_result(self.result, is_own=self.is_own, other=self._other)
        if not self._is_busy:
            self.show_idle()

    _other: Mapping[str, Any] | None = None
    _is_busy = False

    def show_result(
        self, result: Mapping[str, Any] | None, *, is_own: bool, other: Mapping[str, Any] | None = None
    ) -> None:
        """Show a result in the form of reports; `other` is that of the paper's scale, where it was run here."""
        self.result, self.is_own, self._other, self._problem = result, is_own, other, ""
        holds = result["holds"] if result else None
        self._show_verdict(*VERDICTS[holds])
        self._show_facts()
        self._show_figure()

    def show_problem(self, sentence: str) -> None:
        """Say why the claim could not be run here; an earlier result stays."""
        self._problem = sentence
        if self.result is None:
            self._show_verdict("cannot run here", "mdi6.alert-circle-outline", "warning")
        self._show_facts()

    def show_waiting(self) -> None:
        """Say that the claim waits for its turn."""
        self._set_busy("Waits for the claim before it …", None)

    def show_progress(self, progress: Progress) -> None:
        """Show how far the check is."""
        self._set_busy(progress.text, progress.fraction)

    def show_idle(self) -> None:
        """Offer to run the claim."""
        self._is_busy = False
        self.progress.setVisible(False)
        self.progress_text.setVisible(False)
        self.button.setText("Run again" if self.result else "Run")
        self.button.setIcon(icon("mdi6.play", "accent"))
        self.button.setToolTip(self._cost("laptop"))
        self.button.setPopupMode(QToolButton.ToolButtonPopupMode.MenuButtonPopup)
        self.button.setMenu(self._make_menu())

    def _set_busy(self, text: str, fraction: float | None) -> None:
        if not self._is_busy:
            self._is_busy = True
            self.button.setMenu(None)  # type: ignore[arg-type]  # its stub forgets that None takes the menu away
            self.button.setPopupMode(QToolButton.ToolButtonPopupMode.DelayedPopup)
            self.button.setText("Stop")
            self.button.setIcon(icon("mdi6.stop", "error"))
            self.button.setToolTip("End this check; what was measured before stays")
        self.progress.setVisible(True)
        self.progress_text.setVisible(True)
        self.progress_text.setText(text)
        self.progress.setRange(0, 0 if fraction is None else 1000)
        self.progress.setValue(round(1000 * (fraction or 0.0)))

    def _show_verdict(self, word: str, icon_name: str, colour: str) -> None:
        self._mark.setPixmap(icon(icon_name, colour).pixmap(22, 22))
        self.verdict.setText(word)
        self.verdict.set_colour(colour)

    @Slot()
    def _show_facts(self) -> None:
        rows = "".join(
            f'<tr><td align="right" style="color:{theme().muted}; padding-right:12px">{name}</td>'
            f'<td style="color:{theme().colour(colour)}; padding-bottom:3px">{html.escape(text)}</td></tr>'
            for name, text, colour in self._rows()
        )
        self._facts.setText(f"<table>{rows}</table>{self._numbers()}")

    def _numbers(self) -> str:
        """The first rows of the result's table as HTML."""
        table = self.result.get("table") if self.result else None
        if not table:
            return ""
        muted = theme().muted
        head = "".join(
            f'<td align="{"left" if index == 0 else "right"}" style="color:{muted}; padding-right:16px">'
            f"{html.escape(str(name))}</td>"
            for index, name in enumerate(table["columns"])
        )
        body = "".join(
            "<tr>"
            + "".join(
                f'<td align="{"left" if index == 0 else "right"}" style="padding-right:16px">'
                f"{html.escape(cell_text(cell))}</td>"
                for index, cell in enumerate(row)
            )
            + "</tr>"
            for row in table["rows"][:TABLE_ROWS]
        )
        more = len(table["rows"]) - TABLE_ROWS
        rest = f'<p style="color:{muted}">… {more} more rows in the report</p>' if more > 0 else ""
        return f'<p></p><table cellspacing="2"><tr>{head}</tr>{body}</table>{rest}'

    @property
    def facts(self) -> list[tuple[str, str]]:
        """What is written beside the figure: names and texts."""
        return [(name, text) for name, text, _ in self._rows()]

    def _rows(self) -> list[tuple[str, str, str]]:
        rows = [("source", self.claim.source, "foreground"), ("paper", self.claim.paper, "foreground")]
        if self.result:
            rows.append(("yours" if self.is_own else "recorded", self.result["measured"], "foreground"))
            if self.result.get("why"):
                rows.append(("why", str(self.result["why"]), "foreground"))
            rows.append(("", provenance(self.result), "muted"))
        if self._other:
            verdict = VERDICTS[self._other["holds"]][0]
            rows.append(("paper scale", f"{self._other['measured']} ({verdict})", "foreground"))
            rows.append(("", provenance(self._other), "muted"))
        if self._problem:
            rows.append(("not run", self._problem, "warning"))
        if not self.result and self.claim.cost:
            rows.append(("cost", self._cost("laptop"), "muted"))
        return [row for row in rows if row[1]]

    def _show_figure(self) -> None:
        if self.figure is not None:
            self._figure_place.removeWidget(self.figure)
            self.figure.deleteLater()
        self.figure = claim_figure(f"claim-{self.claim.id}", self.result) if self.result else None
        if self.figure is not None:
            self.figure.setMinimumSize(FIGURE_SIZE)
            self.figure.setMaximumSize(FIGURE_SIZE.width() + 90, FIGURE_SIZE.height() + 60)
            for child in self.figure.findChildren(QWidget):
                if child.focusPolicy() & Qt.FocusPolicy.WheelFocus.value and child.height() > 60:
                    guard_wheel(child)
            guard_wheel(self.figure.body)
            self._figure_place.addWidget(self.figure, 0, Qt.AlignmentFlag.AlignTop)

    # What is asked

    def _cost(self, scale: str) -> str:
        cost = self.claim.cost.get(scale, "")
        return f"takes {cost}" if cost else ""

    def _make_menu(self) -> QMenu:
        menu = QMenu(self.button)
        names = {"laptop": "Run at laptop scale", "paper": "Run at the paper's scale"}
        for scale in self.claim.scales or ("laptop",):
            cost = self.claim.cost.get(scale, "")
            action = QAction(f"{names[scale]} ({cost})" if cost else names[scale], menu)
            action.setData(scale)
            action.triggered.connect(self._scale_chosen)
            menu.addAction(action)
        if "paper" not in self.claim.scales and self.claim.cost:
            missing = menu.addAction("The paper's scale is not set up for this claim")
            missing.setEnabled(False)
        if self.is_own:
            menu.addSeparator()
            forget = menu.addAction("Forget my result, show the recorded one")
            forget.triggered.connect(self._forget)
        return menu

    @Slot()
    def _clicked(self) -> None:
        if self._is_busy:
            self.stop_asked.emit(self.claim.id)
        else:
            self.run_asked.emit(self.claim.id, "laptop")

    @Slot()
    def _scale_chosen(self) -> None:
        action = self.sender()
        if isinstance(action, QAction):
            self.run_asked.emit(self.claim.id, str(action.data()))

    @Slot()
    def _forget(self) -> None:
        self.forget_asked.emit(self.claim.id)


def provenance(result: Mapping[str, Any]) -> str:
    """Return when, where, how long and with which seeds a result was measured, in one line."""
    seeds = result.get("seeds") or []
    parts = [
        str(result.get("date", "")),
        f"{len(seeds)} seed{'s' if len(seeds) != 1 else ''} ({', '.join(map(str, seeds))})" if seeds else "",
        duration_text(result.get("seconds")),
        str(result.get("device", "")),
        str(result.get("machine", "")),
    ]
    return " · ".join(part for part in parts if part)
