"""FieldRow: input, prediction, truth and error beside each other, linked, with a section and a spectrum below.

┌ input ─┐▌┌ prediction ┐┌ truth ─┐▌┌ error ─┐▌     one colour bar a quantity: prediction and
│   ┼    │▌│     ┼      ││   ┼    │▌│   ┼    │▌     truth share theirs, the error is centred on 0
└────────┘ └────────────┘└────────┘ └────────┘
  section through the cursor        power by wavenumber
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from PySide6.QtCore import Qt, QTimer, Signal, Slot
from PySide6.QtWidgets import QSplitter, QVBoxLayout, QWidget

from workbench.views.controls import SegmentedButtons
from workbench.views.curves import CurvesView
from workbench.views.image import ImageView
from workbench.views.linking import link
from workbench.views.painting import LineStyle

if TYPE_CHECKING:
    from jaxtyping import Float

    from workbench.views.picks import Pick

Extent = tuple[float, float, float, float]
HIDDEN_MS = 250
"""How long section and spectrum may be behind while nobody sees them."""
ROBUST = (0.5, 99.5)
"""Percentiles of a field between which colours run where a few values would wash out the rest."""


def radial_power(field: Float[np.ndarray, "n n"]) -> tuple[Float[np.ndarray, " k"], Float[np.ndarray, " k"]]:
    """Wavenumbers 1 .. n // 2 and the power on their rings, of orthonormal Fourier modes."""
    n, m = field.shape
    power = np.abs(np.fft.fft2(np.nan_to_num(field), norm="ortho")) ** 2
    ring = np.rint(np.hypot(np.fft.fftfreq(n, 1 / n)[:, None], np.fft.fftfreq(m, 1 / m)[None])).astype(int)
    top = min(n, m) // 2
    found = np.bincount(ring.ravel(), power.ravel(), minlength=top + 1)[1 : top + 1]
    return np.arange(1, top + 1), found


class FieldRow(QWidget):
    """Four linked images with a section and a spectrum; bring your own `input_view` to let it be painted.

    `probed` emits the Pick of a click in any of the fields; the section goes through the last one.
    """

    probed = Signal(object)

    def __init__(
        self,
        prefix: str,
        *,
        input_view: ImageView | None = None,
        input_title: str = "Input",
        output_label: str = "u",
        x_label: str = "x",
        y_label: str = "y",
        has_input: bool = True,
        input_label: str = "a",
        colormap: str | None = None,
        aspect: Literal["free", "equal"] = "equal",
    ) -> None:
        super().__init__()
        axes: dict[str, Any] = {"x_label": x_label, "y_label": y_label, "aspect": aspect}
        self.input = input_view or ImageView(
            f"{prefix}-input", input_title, value_label=input_label, x_label=x_label, y_label=y_label
        )
        self.prediction = ImageView(f"{prefix}-prediction", "Prediction", colour_bar=False, value_label=output_label,
                                    colormap=colormap, **axes)  # fmt: skip
        self.truth = ImageView(f"{prefix}-truth", "Truth", value_label=output_label, colormap=colormap, **axes)
        self.error = ImageView(f"{prefix}-error", "Error", symmetric=True, value_label=f"Δ{output_label}", **axes)
        self.section = CurvesView(
            f"{prefix}-section", "Section", x_label, output_label,
            hint="The fields along a line through the cursor; click a field to move it.",
        )  # fmt: skip
        self.spectrum = CurvesView(
            f"{prefix}-spectrum", "Power by wavenumber", "|k|", "power", log_x=True, log_y=True,
            hint="Where the error's power is below the truth's, that scale is learnt.",
        )  # fmt: skip
        for image in (self.prediction, self.truth, self.error):
            image.bar_label = ""  # the title says it, and the pictures need the room
            if has_input or image is not self.prediction:
                image.y_axis.label = ""
        if has_input:
            self.input.bar_label = ""
        self.is_robust = False
        self.levels: tuple[float, float] | None = None
        """Ends of the colours of prediction and truth; None follows each field that is shown (a film holds them)."""
        self._extent: Extent = (0.0, 1.0, 0.0, 1.0)
        self._shown: tuple[np.ndarray, np.ndarray | None] | None = None
        self._place = (0.5, 0.5)
        self._labels = (x_label, y_label)
        self._across = SegmentedButtons([("across", f"along {x_label}"), ("up", f"along {y_label}")], help="Direction")
        self._across.chosen.connect(self._redraw_section)
        self.section.add_tool(self._across)
        images = [self.input, self.prediction, self.truth, self.error] if has_input else [
            self.prediction, self.truth, self.error
        ]  # fmt: skip
        self.images = tuple(images)
        link(*images)
        row = QSplitter(Qt.Orientation.Horizontal)
        row.setChildrenCollapsible(False)
        for image in images:
            image.setMinimumWidth(130)
            row.addWidget(image)
            image.clicked.connect(self._probe)
            image.hovered.connect(self._hover)
        # A colour bar takes its room: pictures of equal size need unequal shares.
        row.setSizes([1000 if image is self.prediction else 1250 if image is self.input else 1200 for image in images])
        below = QSplitter(Qt.Orientation.Horizontal)
        below.setChildrenCollapsible(False)
        below.addWidget(self.section)
        below.addWidget(self.spectrum)
        self.row, self.below = row, below
        # A child of what it redraws: panels lay `below` out elsewhere, and it must not outlive it.
        self._later = QTimer(below)
        self._later.setSingleShot(True)
        self._later.setInterval(HIDDEN_MS)
        self._later.timeout.connect(self._redraw_below)
        down = QSplitter(Qt.Orientation.Vertical)
        down.setChildrenCollapsible(False)
        down.addWidget(row)
        down.addWidget(below)
        down.setSizes([560, 440])
        self.down = down
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(down)

    @property
    def place(self) -> tuple[float, float]:
        """Where the section goes through."""
        return self._place

    def set_place(self, x: float, y: float) -> None:
        """Put the section through this place, and the cursors of all fields there."""
        self._place = (x, y)
        for image in self.images:
            image.set_cursor(self._place)
        self._redraw_section()

    def set_axis_labels(self, x_label: str, y_label: str) -> None:
        """Call the axes something else, here and in the section."""
        self._labels = (x_label, y_label)
        for image in self.images:
            image.x_axis.label = x_label
        self.images[0].y_axis.label = y_label
        self._across.set_texts((f"along {x_label}", f"along {y_label}"))
        self._redraw_section()

    def set_direction(self, direction: Literal["across", "up"]) -> None:
        """Let the section go along the first ("across") or the second axis."""
        self._across.set_value(direction)
        self._redraw_section()

    def set_input(self, values: Float[np.ndarray, "n n"], extent: Extent = (0.0, 1.0, 0.0, 1.0)) -> None:
        """Show the input."""
        self.input.set_image(values, extent=extent)

    def set_fields(
        self,
        prediction: Float[np.ndarray, "n n"],
        truth: Float[np.ndarray, "n n"] | None,
        extent: Extent = (0.0, 1.0, 0.0, 1.0),
        *,
        who: str = "Prediction",
        note: str = "",
    ) -> None:
        """Show what a model says, and the truth beside it where it is known. Rows are y upwards, columns x.

        Without a truth the last one fades away and the error with it; `who` predicted and a `note` are the title.
        NaN is outside of the domain.
        """
        self._extent = extent
        self.prediction.title = f"{who}{f' · {note}' if note else ''}"
        reference = truth if truth is not None else prediction
        finite = reference[np.isfinite(reference)]
        if not len(finite):
            finite = np.zeros(1)
        low, high = np.percentile(finite, ROBUST) if self.is_robust else (finite.min(), finite.max())
        levels = self.levels or ((float(low), float(high)) if high > low else (float(low) - 0.5, float(low) + 0.5))
        for view in (self.prediction, self.truth):
            view.set_levels(levels)
        self.prediction.set_image(prediction, extent=extent)
        self._shown = prediction, truth
        if truth is None:
            self.truth.clear()
            self.error.clear()
            self.truth.show_message("The solver answers when the mouse rests.")
            self.error.show_message("")
        else:
            self.truth.set_image(truth, extent=extent)
            error = prediction - truth
            self.error.set_image(error, extent=extent)
            scale, off = (float(np.linalg.norm(np.nan_to_num(own))) for own in (truth, error))
            self.error.title = f"Error · {100 * off / scale:.3g} % L2" if scale > 0 else "Error"
        if self.below.isVisible():
            self._redraw_below()
        elif not self._later.isActive():
            self._later.start()

    @Slot()
    def _redraw_below(self) -> None:
        """Draw section and spectrum; while they are hidden, only a few times a second."""
        if self._shown is None:
            return
        prediction, truth = self._shown
        if truth is None:
            self.spectrum.remove_series("truth")
            self.spectrum.remove_series("error")
        else:
            for name, field, color in (("truth", truth, "foreground"), ("error", prediction - truth, 1)):
                k, power = radial_power(field)
                self.spectrum.set_series(name, k, np.maximum(power, 1e-30), color=color)
        k, power = radial_power(prediction)
        self.spectrum.set_series("prediction", k, np.maximum(power, 1e-30), color=0, style="dash")
        self._redraw_section()

    @Slot(object)
    def _probe(self, pick: Pick) -> None:
        self._place = (pick.x, pick.y)
        self._redraw_section()
        self.probed.emit(pick)

    @Slot(object)
    def _hover(self, pick: Pick | None) -> None:
        if pick is not None:
            self._place = (pick.x, pick.y)
            self._redraw_section()

    @Slot()
    def _redraw_section(self) -> None:
        values = self.prediction.values
        if values is None:
            return
        x0, x1, y0, y1 = self._extent
        rows, columns = values.shape[:2]
        is_across = self._across.value == "across"
        row = int(np.clip((self._place[1] - y0) / (y1 - y0) * rows, 0, rows - 1))
        column = int(np.clip((self._place[0] - x0) / (x1 - x0) * columns, 0, columns - 1))
        axis, other = self._labels if is_across else self._labels[::-1]
        at = y0 + (row + 0.5) / rows * (y1 - y0) if is_across else x0 + (column + 0.5) / columns * (x1 - x0)
        self.section.title = f"Section at {other} = {at:.3g}"
        self.section.x_axis.label = axis
        place = x0 + (np.arange(columns) + 0.5) / columns * (x1 - x0) if is_across else (
            y0 + (np.arange(rows) + 0.5) / rows * (y1 - y0)
        )  # fmt: skip
        shown: tuple[tuple[str, ImageView, str | int, LineStyle], ...] = (
            ("truth", self.truth, "foreground", "solid"), ("prediction", self.prediction, 0, "dash"),
        )  # fmt: skip
        for name, view, color, style in shown:
            if view.values is None or view.values.shape[:2] != (rows, columns):
                self.section.remove_series(name)
                continue
            line = view.values[row] if is_across else view.values[:, column]
            self.section.set_series(name, place, line, color=color, style=style)


if __name__ == "__main__":
    from workbench.views.demo import show_demo

    def _make() -> FieldRow:
        row = FieldRow("demo")
        y, x = np.mgrid[0:1:64j, 0:1:64j]
        row.set_input(np.sin(9 * x * y))
        row.set_fields(np.sin(7 * x) * np.cos(5 * y) + 0.05 * np.sin(40 * x), np.sin(7 * x) * np.cos(5 * y))
        return row

    show_demo(_make)
