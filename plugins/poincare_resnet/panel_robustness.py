"""View of attacks and strange images."""

from __future__ import annotations

from typing import Any

import numpy as np
from PySide6.QtCore import QRectF, Qt, Slot
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QFormLayout, QSpinBox, QVBoxLayout, QWidget

from plugins.poincare_resnet.contract import MODELS, RobustnessFrame
from plugins.poincare_resnet.panel_parts import COLOURS, show_networks
from workbench.sdk import MetricsHistory
from workbench.views import Column, CurvesView, ExperimentView, HistogramView, SessionPort, TableView, View
from workbench.views.layouts import above, beside, tabs_of
from workbench.views.painting import draw_image, draw_text, figure_font, rgba_image
from workbench.views.theme import theme


class RobustnessView(ExperimentView):
    """Accuracy against the size of the attack, the attacked image itself, ROC curves and energies."""

    hint = "Train first; the last step is followed by the attacks. Choose another image under Play."

    def __init__(self, port: SessionPort, parent: QWidget | None = None) -> None:
        super().__init__(port, parent)
        self._frame: RobustnessFrame | None = None
        self.attack = CurvesView("attack", "Accuracy under FGSM", "ε", "share right", x_unit="255ths")
        self.strip = AttackStrip()
        self.roc = CurvesView("roc", "Strange images by energy", "known images refused",
                              "strange images found")  # fmt: skip
        self.energies = {model: HistogramView(f"energy-{model}", MODELS[model], "energy") for model in MODELS}
        self.loss = CurvesView("loss", "Training loss", y_label="loss", log_y=True, smoothing=0.6)
        self.table = TableView("scores", "Out-of-distribution detection")
        short = {"hyperbolic": "Poincaré", "hyperbolic_head": "Head", "euclidean": "Euclidean"}
        pages = tabs_of({"ROC": self.roc, **{f"Energy: {short[m]}": view for m, view in self.energies.items()},
                         "Loss": self.loss})  # fmt: skip
        left = above(self.attack, self.strip, sizes=(480, 180))
        right = above(pages, self.table, sizes=(480, 180))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(beside(left, right, sizes=(1, 1)))
        self._play = QWidget()
        form = QFormLayout(self._play)
        form.setContentsMargins(0, 0, 0, 0)
        self.index = QSpinBox()
        self.index.setRange(0, 9999)
        self.index.setAccessibleName("Test image")
        form.addRow("test image", self.index)
        self.index.valueChanged.connect(self._index_changed)

    def play_controls(self) -> QWidget:
        """Which image is attacked."""
        return self._play

    def start_over(self) -> None:
        """Forget the networks before."""
        self._frame = None
        self.loss.clear()

    def show_frame(self, frame: RobustnessFrame) -> None:
        """Draw the last evaluation; an image that was chosen stays chosen."""
        is_new = self._frame is None or frame.step != self._frame.step
        self._frame = frame
        when = f"after step {frame.step}" if frame.step else "before training"
        self.attack.title, self.roc.title = f"Accuracy under FGSM, {when}", f"Strange images by energy, {when}"
        for model in frame.models:
            style: dict[str, Any] = {"label": MODELS[model], "color": COLOURS[model]}
            self.attack.set_series(model, frame.epsilons, frame.accuracy[model], **style)
            if model in frame.curves:
                self.roc.set_series(model, *frame.curves[model], **style)
                self.energies[model].show_message("")
                self.energies[model].set_samples("known", frame.known[model], color=0)
                self.energies[model].set_samples("strange", frame.strange[model], color=1)
        for model in MODELS:
            if model not in frame.models:
                self.energies[model].show_message("This network is not among those trained.")
                self.attack.remove_series(model)
                self.roc.remove_series(model)
        if self.index.value() == 0:
            self.strip.show_images(frame.examples, frame.epsilons, frame.guesses)
        elif is_new:
            self._index_changed(self.index.value())
        rows = [[MODELS[model], *(100 * value for value in frame.scores[model])] for model in frame.scores]
        self.table.set_rows(["network", Column("FPR95", "%", better="low"), Column("AUROC", "%", better="high"),
                             Column("AUPR", "%", better="high")], rows)  # fmt: skip

    def show_metrics(self, history: MetricsHistory) -> None:
        """Draw losses."""
        models = [name.partition("/")[2] for name in history.names if name.startswith("loss/")]
        show_networks(self.loss, history, "loss", models)

    @Slot(int)
    def _index_changed(self, index: int) -> None:
        self.port.ask_latest("attack", self._show_attack, index=index)

    def _show_attack(self, answer: dict[str, Any]) -> None:
        if self._frame is not None:
            self.strip.show_images(answer.pop("pictures"), self._frame.epsilons, answer)


class AttackStrip(View):
    """One image under growing attack, and what each network takes it for."""

    def __init__(self) -> None:
        super().__init__("strip", "One image under attack", hint="Below each size: what the networks say.")
        self._images = np.zeros((0, 8, 8, 1), np.uint8)
        self._epsilons = np.empty(0)
        self._guesses: dict[str, tuple[int, ...]] = {}
        self.set_body(_StripCanvas(self))

    def show_images(self, images: np.ndarray, epsilons: np.ndarray, guesses: dict[str, tuple[int, ...]]) -> None:
        """Show images (e, h, w, ch) at sizes (e,) with one guess a network and size."""
        self._images, self._epsilons, self._guesses = images, epsilons, guesses
        self.body.update()

    def data(self) -> dict[str, np.ndarray]:
        """Sizes and guesses."""
        return {"epsilon": self._epsilons, **{name: np.array(found) for name, found in self._guesses.items()}}

    def paint(self, painter: QPainter, rect: QRectF) -> None:
        """Draw images in a row, guesses under them."""
        count = len(self._images)
        if not count:
            return
        painter.save()
        painter.setFont(figure_font())
        line = painter.fontMetrics().height() + 2
        rows = len(self._guesses) + 1
        side = min(rect.width() / count - 4, rect.height() - rows * line - 4)
        for index in range(count):
            left = rect.left() + rect.width() * (index + 0.5) / count - side / 2
            pixels = np.repeat(self._images[index], 3, -1) if self._images.shape[-1] == 1 else self._images[index]
            alpha = np.full((*pixels.shape[:2], 1), 255, np.uint8)
            rgba = np.ascontiguousarray(np.concatenate([pixels, alpha], -1))
            draw_image(painter, QRectF(left, rect.top() + 2, side, side), rgba_image(rgba))
            texts = [(f"ε {self._epsilons[index]:.3g}", theme().muted)]
            texts += [(str(found[index]), theme().series(COLOURS[name]))
                      for name, found in self._guesses.items() if index < len(found)]  # fmt: skip
            for row, (text, colour) in enumerate(texts):
                place = QRectF(left - 8, rect.top() + side + 4 + row * line, side + 16, line)
                draw_text(painter, place, text, colour, Qt.AlignmentFlag.AlignHCenter)
        painter.restore()


class _StripCanvas(QWidget):
    def __init__(self, view: AttackStrip) -> None:
        super().__init__()
        self._view = view

    def paintEvent(self, event: object) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), theme().background)
        self._view.paint(painter, QRectF(self.rect()))
        painter.end()
