"""Views of the experiments that train many networks: duel, sensors, scaling."""

from __future__ import annotations

import numpy as np
from PySide6.QtWidgets import QVBoxLayout, QWidget

from plugins.deeponet.contract import MODELS
from plugins.deeponet.frames import SweepFrame
from plugins.deeponet.panel_parts import MODEL_COLOURS
from workbench.sdk import MetricsHistory
from workbench.views import BarsView, Column, CurvesView, ExperimentView, ScatterView, SessionPort, TableView
from workbench.views.curves import positive
from workbench.views.layouts import above, beside


class _Sweep(ExperimentView):
    """What these views share: learning curves by group."""

    def __init__(self, port: SessionPort, parent: QWidget | None = None) -> None:
        super().__init__(port, parent)
        self._labels: tuple[str, ...] = ()
        self.learning = CurvesView("learning", "Test error while they learn", y_label="MSE", log_y=True)

    def fill(self, widget: QWidget) -> None:
        """Show one widget."""
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(widget)

    def start_over(self) -> None:
        """Forget the networks before."""
        self._labels = ()
        for view in self.findChildren(CurvesView):
            view.clear()

    def show_metrics(self, history: MetricsHistory) -> None:
        """Draw mean errors of every group."""
        for index, label in enumerate(self._labels):
            color = MODEL_COLOURS.get(label, index)
            name = MODELS.get(label, label)
            if f"loss/{label}" in history:
                self.learning.set_series(f"loss/{label}", *history[f"loss/{label}"], color=color, faint=True,
                                         label=f"{name}, loss")  # fmt: skip
            if f"test/{label}" in history:
                self.learning.set_series(f"test/{label}", *history[f"test/{label}"], color=color, label=name)


class DuelView(_Sweep):
    """Bars of training and test error of every architecture, and each network as a point."""

    hint = "Bars: means over the seeds, which are dots. A network on the diagonal of the right figure generalises."

    def __init__(self, port: SessionPort, parent: QWidget | None = None) -> None:
        super().__init__(port, parent)
        self.bars = BarsView("errors", "Error of every architecture", "MSE", log=True)
        self.points = ScatterView("points", "Test against training error", "training MSE", "test MSE", log_x=True,
                                  log_y=True)  # fmt: skip
        self.table = TableView(
            "numbers", "Numbers", hint="“No outliers” leaves out the largest 0.1 % of squared errors."
        )
        self.fill(above(beside(self.bars, self.points, sizes=(560, 420)),
                        beside(self.learning, self.table, sizes=(460, 520)), sizes=(560, 440)))  # fmt: skip

    def show_frame(self, frame: SweepFrame) -> None:
        """Draw errors of all members."""
        self._labels = frame.labels
        names = [MODELS[label] for label in frame.labels]
        self.bars.set_bars(names, {
            "training": frame.train[:, 0], "test": frame.test[:, 0], "test, no outliers": frame.trimmed[:, 0],
        })  # fmt: skip
        self.bars.title = f"{frame.title}: error of every architecture"
        seeds = frame.test.shape[2]
        train, test = frame.train[:, 0].ravel(), frame.test[:, 0].ravel()
        good = np.isfinite(train) & (train > 0)
        if good.any():
            kinds = np.repeat(np.arange(len(names)), seeds)
            self.points.set_points(train[good], test[good], classes=kinds[good], class_names=names,
                                   sizes=np.full(int(good.sum()), 9.0))  # fmt: skip
        rows = []
        for index, name in enumerate(names):
            train_error, test_error = frame.train[index, 0], frame.test[index, 0]
            rows.append((
                name, frame.parameters[index], float(train_error.mean()), float(test_error.mean()),
                float(test_error.std(ddof=1)) if seeds > 1 else None, float(frame.trimmed[index, 0].mean()),
                float((test_error / np.maximum(train_error, 1e-30)).mean()), frame.milliseconds[index],
            ))  # fmt: skip
        self.table.set_rows(
            ("model", "parameters", Column("train", "", "low"), Column("test", "", "low"), "sd of test",
             Column("no outliers", "", "low"), Column("test ÷ train", "", "low"), "step (ms)"), rows,
        )  # fmt: skip


class SensorsView(_Sweep):
    """Error against the number of sensors, with two lines through each curve and where they bend."""

    hint = "Dashed: two straight lines fitted to log error; the vertical line is their bend, the sensors that suffice."

    def __init__(self, port: SessionPort, parent: QWidget | None = None) -> None:
        super().__init__(port, parent)
        self.errors = CurvesView(
            "sensors", "Error by number of sensors", "sensors m", "test MSE", log_x=True, log_y=True
        )
        self.table = TableView("numbers", "Numbers")
        self.fill(above(self.errors, beside(self.learning, self.table), sizes=(600, 400)))

    def show_frame(self, frame: SweepFrame) -> None:
        """Draw every setting's curve."""
        self._labels = frame.labels
        self.errors.title = f"{frame.title}: error by number of sensors"
        rows = []
        for index, label in enumerate(frame.labels):
            x, test = frame.x[index], frame.test[index]
            band = (positive(test.min(1)), positive(test.max(1))) if test.shape[1] > 1 else None
            self.errors.set_series(label, x, positive(test.mean(1)), color=index, band=band)
            if label in frame.fits:
                fit_x, fit_y = frame.fits[label]
                self.errors.set_series(
                    f"{label} fit", fit_x, positive(fit_y), color=index, style="dash", group="two lines"
                )
            place = frame.elbows[index]
            self.errors.set_line(f"elbow {label}", place if np.isfinite(place) else None, "vertical",
                                 label=f"m ≈ {place:.0f}", color=index)  # fmt: skip
            rows += [
                (label, int(m), float(train.mean()), float(own.mean()), float(own.mean() / frame.variance[index]))
                for m, train, own in zip(x, frame.train[index], test, strict=True)
            ]
        self.table.set_rows(
            ("setting", "sensors", "training MSE", Column("test MSE", "", "low"), "test ÷ var(s)"), rows
        )


class ScalingView(_Sweep):
    """Error against the number of training functions, twice: straight where exponential, straight where a power."""

    hint = "Left, an exponential is a straight line; right, a power law is. The legend says each fit's rate and misfit."

    def __init__(self, port: SessionPort, parent: QWidget | None = None) -> None:
        super().__init__(port, parent)
        self.semilog = CurvesView("semilog", "Exponential?", "training functions #u", "test MSE", log_y=True)
        self.loglog = CurvesView("loglog", "Power law?", "training functions #u", "test MSE", log_x=True, log_y=True)
        self.table = TableView("numbers", "Numbers")
        self.fill(above(beside(self.semilog, self.loglog), beside(self.learning, self.table), sizes=(580, 420)))

    def show_frame(self, frame: SweepFrame) -> None:
        """Draw errors with both fits."""
        self._labels = frame.labels
        rows = []
        for view, kind in ((self.semilog, "exponential"), (self.loglog, "power law")):
            for name in view.series_names:
                if "·" in name and name not in frame.fits:
                    view.remove_series(name)
            for index, label in enumerate(frame.labels):
                test = frame.test[index]
                band = (positive(test.min(1)), positive(test.max(1))) if test.shape[1] > 1 else None
                view.set_series(label, frame.x[index], positive(test.mean(1)), color=index, band=band)
                for name, (x, y) in frame.fits.items():
                    if name.startswith(f"{label} ·") and kind in name:
                        view.set_series(name, x, positive(y), color=index, style="dash")
        for index, label in enumerate(frame.labels):
            rows += [
                (label, int(n), float(train.mean()), float(test.mean()), float(test.mean() / max(train.mean(), 1e-30)))
                for n, train, test in zip(frame.x[index], frame.train[index], frame.test[index], strict=True)
            ]
        self.table.set_rows(("locations", "#u", "training MSE", Column("test MSE", "", "low"), "test ÷ train"), rows)
