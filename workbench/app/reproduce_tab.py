"""The Reproduce tab: every claim of the paper with what the paper reports and what was measured."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QScrollArea, QVBoxLayout, QWidget

from workbench.app.claim_card import ClaimCardView
from workbench.app.icons import icon
from workbench.app.message_strip import MessageStrip
from workbench.app.widgets import ColouredLabel
from workbench.catalog import Entry
from workbench.engine import ClaimJob, Reproducer
from workbench.runs import Reproductions
from workbench.sdk import ClaimCard, Progress, UserError
from workbench.views.base import View
from workbench.views.file_dialogs import ask_target

NO_CLAIMS = "This plugin declares no claims to check."


class ReproduceTab(QWidget):
    """Cards of claims. Runs go through the engine's reproducer; results stay when the panel is closed.

    `noted` carries a sentence for the notification area, `results_changed` comes when the verdicts may look different.
    """

    noted = Signal(str)
    results_changed = Signal()

    def __init__(self, reproducer: Reproducer, entry: Entry) -> None:
        super().__init__()
        self.entry = entry
        self._reproducer = reproducer
        self.cards: dict[str, ClaimCardView] = {}
        self.strip = MessageStrip()
        self.summary = ColouredLabel("", "foreground")
        self.run_all = QPushButton(icon("mdi6.play-box-multiple-outline"), "Run all")
        self.run_all.setToolTip("Run every claim at laptop scale, one after another")
        self.run_all.clicked.connect(self._run_all)
        self.stop = QPushButton(icon("mdi6.stop"), "Stop")
        self.stop.clicked.connect(self._stop_all)
        self.report = QPushButton(icon("mdi6.file-document-outline"), "Report …")
        self.report.setToolTip("Write what is shown here as HTML, Markdown or JSON")
        self.report.clicked.connect(self._ask_report)
        self._list = QVBoxLayout()
        self._list.setSpacing(10)
        self._list.setContentsMargins(10, 0, 10, 10)
        self._lay_out()
        reproducer.listed.connect(self._listed)
        reproducer.progressed.connect(self._progressed)
        reproducer.finished.connect(self._finished)
        reproducer.refused.connect(self._refused)
        reproducer.queue_changed.connect(self._show_queue)
        self._show_claims(reproducer.cards(entry))

    def _lay_out(self) -> None:
        bar = QHBoxLayout()
        bar.setContentsMargins(12, 4, 12, 0)
        bar.addWidget(self.summary, 1)
        for button in (self.run_all, self.stop, self.report):
            bar.addWidget(button)
        inside = QWidget()
        outer = QVBoxLayout(inside)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addLayout(self._list)
        outer.addStretch(1)
        area = QScrollArea()
        area.setWidget(inside)
        area.setWidgetResizable(True)
        area.setFrameShape(QScrollArea.Shape.NoFrame)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        layout.addLayout(bar)
        layout.addWidget(self.strip)
        layout.addWidget(area, 1)

    def views(self) -> list[View]:
        """The figures that are shown, for export."""
        return [card.figure for card in self.cards.values() if card.figure is not None]

    def results(self) -> dict[str, dict[str, Any]]:
        """The results that are shown, by claim."""
        return {id: dict(card.result) for id, card in self.cards.items() if card.result}

    # What is shown

    def _show_claims(self, claims: tuple[ClaimCard, ...]) -> None:
        for claim in claims:
            if claim.id in self.cards:
                self.cards[claim.id].describe(claim)
                continue
            card = ClaimCardView(claim)
            card.run_asked.connect(self._run)
            card.stop_asked.connect(self._stop)
            card.forget_asked.connect(self._forget)
            self.cards[claim.id] = card
            self._list.addWidget(card)
            self._show_result(claim.id)
        self._show_queue()

    def _show_result(self, claim: str) -> None:
        own = Reproductions().of(self.entry.card.id).get(claim)
        recorded = self.entry.recorded_claims().get(claim)
        other = Reproductions("paper").of(self.entry.card.id).get(claim)
        self.cards[claim].show_result(own or recorded, is_own=own is not None, other=other)

    @Slot()
    def _show_queue(self) -> None:
        plugin, reproducer = self.entry.card.id, self._reproducer
        busy = 0
        for id, card in self.cards.items():
            is_running = reproducer.running is not None and reproducer.running.key == (plugin, id)
            if reproducer.is_busy_with(plugin, id):
                busy += 1
                if not is_running:
                    card.show_waiting()
            else:
                card.show_idle()
        self.stop.setEnabled(busy > 0)
        self.stop.setToolTip("End the check that runs and forget those that wait" if busy else "Nothing runs.")
        self.run_all.setEnabled(busy < len(self.cards))
        self._show_summary()

    def _show_summary(self) -> None:
        verdicts = [card.result["holds"] for card in self.cards.values() if card.result]
        total = len(self.cards)
        if not total:
            self.summary.setText(NO_CLAIMS if not self.entry.card.claims else "Reading the claims …")
            return
        own = sum(card.is_own for card in self.cards.values())
        parts = [f"{sum(verdict is True for verdict in verdicts)} of {total} claims hold"]
        if failed := sum(verdict is False for verdict in verdicts):
            parts.append(f"{failed} do not" if failed > 1 else "1 does not")
        if missing := total - len(verdicts):
            parts.append(f"{missing} not run")
        parts.append("as recorded with the plugin" if not own else f"{own} measured on this machine")
        self.summary.setText(" · ".join(parts))

    # From the reproducer

    @Slot(str, object)
    def _listed(self, plugin: str, claims: tuple[ClaimCard, ...]) -> None:
        if plugin == self.entry.card.id:
            self._show_claims(claims)

    @Slot(str, str, object)
    def _progressed(self, plugin: str, claim: str, progress: Progress) -> None:
        if plugin == self.entry.card.id and claim in self.cards:
            self.cards[claim].show_progress(progress)

    @Slot(str, str, object)
    def _finished(self, plugin: str, claim: str, result: dict[str, Any]) -> None:
        if plugin == self.entry.card.id and claim in self.cards:
            self._show_result(claim)
            self._show_summary()
            self.results_changed.emit()

    @Slot(str, str, str, str)
    def _refused(self, plugin: str, claim: str, sentence: str, details: str) -> None:
        if plugin != self.entry.card.id:
            return
        if claim in self.cards:
            self.cards[claim].show_problem(sentence)
        if details or not claim:
            self.strip.say(sentence, "error", details=details)

    # From the person

    @Slot(str, str)
    def _run(self, claim: str, scale: str) -> None:
        is_paper = scale == "paper"
        job = ClaimJob(self.entry, claim, "paper" if is_paper else "laptop", "auto" if is_paper else "cpu")
        self._reproducer.run(job)

    @Slot()
    def _run_all(self) -> None:
        for claim in self.cards:
            self._run(claim, "laptop")

    @Slot(str)
    def _stop(self, claim: str) -> None:
        self._reproducer.stop(self.entry.card.id, claim)

    @Slot()
    def _stop_all(self) -> None:
        self._reproducer.stop(self.entry.card.id)

    @Slot(str)
    def _forget(self, claim: str) -> None:
        Reproductions().forget(self.entry.card.id, claim)
        self._show_result(claim)
        self.cards[claim].show_idle()
        self._show_summary()
        self.results_changed.emit()

    @Slot()
    def _ask_report(self) -> None:
        name = f"{self.entry.card.id}-reproduction.html"
        kinds = ["Web page (*.html)", "Markdown (*.md)", "JSON (*.json)"]
        ask_target(self, "Write a report", Path.home() / name, kinds, self.write_report)

    def write_report(self, path: Path) -> None:
        """Write what is shown as a report in the format of the file's suffix."""
        from workbench.export.reports import report_of, write_report
        from workbench.views.report_figures import figures_of

        card = self.entry.card
        report = report_of(card.id, [claim.claim for claim in self.cards.values()], self.results())
        try:
            write_report(path, [report], {card.id: card}, figures_of([report]))
        except (UserError, OSError) as error:
            self.strip.say(str(error), "warning")
            return
        self.noted.emit(f"Report written to {path}.")
