"""View of the training: features in the disk with the regions that the head decides, and what each layer does."""

from __future__ import annotations

from typing import Any

import numpy as np
from PySide6.QtCore import Slot
from PySide6.QtWidgets import QCheckBox, QComboBox, QFormLayout, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from plugins.poincare_resnet.contract import MODELS, Embedding, TrainFrame
from plugins.poincare_resnet.panel_means import BallsView, BatchMeansView
from plugins.poincare_resnet.panel_parts import COLOURS, TILINGS, DrawingPad, show_networks, tiling_box
from workbench.sdk import MetricsHistory
from workbench.views import (
    BarsView,
    Column,
    CurvesView,
    ExperimentView,
    HistogramView,
    ScatterView,
    SessionPort,
    TableView,
)
from workbench.views.hyperbolic_plane import distance
from workbench.views.layouts import above, beside, tabs_of
from workbench.views.poincare_disk import PoincareDiskView

MOST_MEANS = 20
"""With more classes their means would hide the points."""
DISK_HINT = "Drag moves the plane, right-click makes a point the origin. Click two points for the geodesic."


class TrainView(ExperimentView):
    """Disk at the left; accuracy, layers, radii at the right; a geodesic between two images and a pad to draw on."""

    hint = "Click two points, then drag the handle along the geodesic between them. Draw a digit under Play."

    def __init__(self, port: SessionPort, parent: QWidget | None = None) -> None:
        super().__init__(port, parent)
        self._frame: TrainFrame | None = None
        self._ends: list[int] = []
        self._path = np.empty(0, np.complex128)
        self._along = np.empty((0, 0))
        self._share = 0.5
        self.disk = PoincareDiskView(
            "disk", "Features of the test images",
            hint=DISK_HINT,
        )  # fmt: skip
        self.chosen = QComboBox()
        self.chosen.setAccessibleName("Network shown in the disk")
        self.tiles = tiling_box()
        self.disk.add_tool(self.chosen)
        self.disk.add_tool(self.tiles)
        self.loss = CurvesView("loss", "Training loss", y_label="loss", log_y=True, smoothing=0.6)
        self.accuracy = CurvesView("accuracy", "Accuracy on test images", y_label="share right")
        self.layers = CurvesView(
            "layers", "Mean distance from the origin after each layer", "layer", "distance", log_y=True,
            hint="A network whose points fall to the origin layer by layer cannot learn.",
        )  # fmt: skip
        self.over_time = CurvesView("layer-radii", "Distance by layer, over time", y_label="distance", log_y=True)
        self.gradients = BarsView("gradients", "Norm of the gradient by layer", "norm", group_label="layer", log=True)
        self.radii = HistogramView("radii", "Distance of features from the origin", "distance")
        self.confidence = ScatterView("confidence", "Confidence and distance", "distance", "confidence", median=True)
        self.between = CurvesView("between", "Classes along the geodesic", "share of the way", "probability",
                                  hint="Click two points in the disk.")  # fmt: skip
        self.table = TableView("networks", "Networks")
        self.means, self.balls = BatchMeansView(), BallsView()
        self.curvature = CurvesView("curvature", "Curvature of each ball", y_label="c", log_y=True)
        curves = tabs_of({
            "Accuracy": self.accuracy, "Loss": self.loss, "Gradients": self.gradients, "Balls": self.balls,
            "Curvature": self.curvature,
            "Networks": self.table,
        })  # fmt: skip
        inside = tabs_of({
            "Layers": self.layers, "Over time": self.over_time, "Radii": self.radii, "Confidence": self.confidence,
            "Geodesic": self.between, "Means": self.means,
        })  # fmt: skip
        self._inside = inside
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(beside(self.disk, above(curves, inside, sizes=(1, 1)), sizes=(54, 46)))
        self._play = self._make_play()
        self.chosen.activated.connect(self._show_disk)
        self.chosen.activated.connect(self._follow_geodesic)
        self.tiles.activated.connect(self._show_tiling)
        self.disk.clicked.connect(self._disk_clicked)
        self.disk.view_changed.connect(self._ask_regions)
        self.disk.moved.connect(self._along_moved)

    def _make_play(self) -> QWidget:
        play = QWidget()
        layout = QFormLayout(play)
        layout.setContentsMargins(0, 0, 0, 0)
        row = QHBoxLayout()
        self.pad = DrawingPad()
        self.verdict = QLabel("Draw a digit.")
        self.verdict.setWordWrap(True)
        clear = QPushButton("Clear")
        clear.clicked.connect(self.pad.clear)
        column = QVBoxLayout()
        column.addWidget(self.verdict, 1)
        column.addWidget(clear)
        row.addWidget(self.pad)
        row.addLayout(column, 1)
        layout.addRow(row)
        self.shows_means = QCheckBox("class means")
        self.shows_means.setToolTip("Midpoint of each class's features: a diamond of the class's colour")
        self.shows_means.setChecked(True)
        self.shows_means.toggled.connect(self._show_disk)
        layout.addRow(self.shows_means)
        self.pad.drawn.connect(self._drawn)
        return play

    def play_controls(self) -> QWidget:
        """The pad."""
        return self._play

    def start_over(self) -> None:
        """Forget the networks before."""
        self._frame = None
        self._ends = []
        self._path = np.empty(0, np.complex128)
        self.disk.selection = np.empty(0, np.int64)
        self.disk.set_curve("between", None)
        self.disk.set_mark("along", None)
        self.between.set_line("along", None)
        for view in (self.loss, self.accuracy, self.over_time, self.curvature, self.between):
            view.clear()

    def show_frame(self, frame: TrainFrame) -> None:
        """Draw the last look at the test set."""
        before = self._frame
        is_new = before is None or (frame.step, frame.projection) != (before.step, before.projection)
        self._frame = frame
        if [self.chosen.itemData(index) for index in range(self.chosen.count())] != list(frame.models):
            self.chosen.clear()
            for model in frame.models:
                self.chosen.addItem(MODELS[model], model)
        self.pad.resize_pixels(frame.images.shape[1])
        if is_new:
            self._show_disk()
            self._show_layers()
            self._show_table()
            self.means.show_means(frame.means)
            self.balls.show_balls(frame)
            self._follow_geodesic()

    @property
    def model(self) -> str:
        """The network that the disk shows."""
        return str(self.chosen.currentData() or (self._frame.models[0] if self._frame else ""))

    @property
    def _embedding(self) -> Embedding | None:
        return self._frame.embeddings.get(self.model) if self._frame else None

    @Slot()
    def _show_disk(self) -> None:
        frame, own = self._frame, self._embedding
        if frame is None or own is None:
            return
        accuracy = frame.accuracy.get(self.model, float("nan"))
        self.disk.title = f"{accuracy:.1%} right"
        way = {"tangent": "Tangent PCA at the mean", "horopca": "HoroPCA"}[frame.projection]
        self.disk.hint = f"{way} shows {own.explained:.0%} of the variance. {DISK_HINT}"
        labels = [
            f"{frame.class_names[k]}, {'right' if ok else 'wrong'}, confidence {p:.0%}"
            for k, ok, p in zip(own.classes, own.is_right, own.confidence, strict=True)
        ]
        self.disk.set_points(
            own.points, classes=own.classes, class_names=frame.class_names, labels=labels, thumbnails=frame.images,
            sizes=np.where(own.is_right, 6.0, 9.0),
        )  # fmt: skip
        is_shown = self.shows_means.isChecked()
        for k in range(MOST_MEANS):
            place = own.means[k] if is_shown and k < len(own.means) <= MOST_MEANS else None
            self.disk.set_mark(f"mean {k}", place, color=k)
        self.disk.set_regions(own.regions)
        self._ask_regions()
        self.radii.clear()
        for k, name in enumerate(frame.class_names):
            if (own.classes == k).any():
                self.radii.set_samples(str(name), own.radii[own.classes == k], color=k)
        self.confidence.set_points(own.radii, own.confidence, classes=own.classes, class_names=frame.class_names)

    @Slot()
    def _ask_regions(self) -> None:
        """Ask for the regions at exactly the pixels that are seen; the moved grid is shown until they come."""
        own = self._embedding
        if own is None or own.regions is None:
            return
        places = self.disk.seen_places()
        flat = np.stack([places.real.ravel(), places.imag.ravel()], 1)
        motion, step = self.disk.motion, self._frame.step if self._frame else -1

        def show(classes: np.ndarray) -> None:
            is_same = motion == self.disk.motion and self._frame is not None and self._frame.step == step
            if is_same and len(classes) == places.size:
                self.disk.set_exact_regions(classes.reshape(places.shape))

        self.port.ask_latest("regions_at", show, model=self.model, places=np.nan_to_num(flat, nan=2.0))

    @Slot()
    def _show_tiling(self) -> None:
        self.disk.set_tiling(TILINGS[self.tiles.currentText()])

    def _show_layers(self) -> None:
        frame = self._frame
        assert frame is not None
        places = np.arange(len(frame.layers))
        self.layers.x_axis.tick_labels = list(enumerate(frame.layers))
        self.gradients.set_bars(
            frame.layers, {MODELS[model]: frame.gradients[:, index] for index, model in enumerate(frame.models)},
            colors={MODELS[model]: COLOURS[model] for model in frame.models},
        )  # fmt: skip
        for index, model in enumerate(frame.models):
            self.layers.set_series(model, places, frame.radii[:, index], label=MODELS[model], color=COLOURS[model])

    def _show_table(self) -> None:
        frame = self._frame
        assert frame is not None
        rows: list[list[Any]] = []
        for index, model in enumerate(frame.models):
            own = frame.embeddings[model]
            is_ball = model == "hyperbolic"
            clipped = 100 * float(frame.clipped.max()) if is_ball and len(frame.clipped) else None
            curvature = ", ".join(f"{c:.3g}" for c in dict.fromkeys(frame.curvatures.round(4))) if is_ball else ""
            rows.append([
                MODELS[model], frame.accuracy[model], float(own.radii.mean()), 100 * own.explained,
                float(frame.radii[-1, index] / max(frame.radii[0, index], 1e-30)), clipped, curvature,
                frame.delta if is_ball else None,
            ])  # fmt: skip
        self.table.set_rows(
            ["network", Column("accuracy", better="high"), "mean distance", "shown variance [%]", "last/first layer",
             "clipped [%]", "c", "rel. δ"], rows,
        )  # fmt: skip

    def show_metrics(self, history: MetricsHistory) -> None:
        """Draw losses, accuracies and radii."""
        models = [name.partition("/")[2] for name in history.names if name.startswith("loss/")]
        show_networks(self.loss, history, "loss", models)
        show_networks(self.accuracy, history, "accuracy", models)
        prefix = f"radius/{self.model}/"
        names = {name: name.removeprefix(prefix) for name in history.names if name.startswith(prefix)}
        for name in set(self.over_time.series_names) - set(names):
            self.over_time.remove_series(name)
        self.over_time.show_history(history, names)
        learnt = {name: name.partition("/")[2] for name in history.names if name.startswith("curvature/")}
        self.curvature.show_message("" if learnt else "Curvatures are fixed; switch on learn curvature under Geometry.")
        self.curvature.show_history(history, learnt)

    # From the person

    @Slot(int, object)
    def _disk_clicked(self, index: int, place: tuple[float, float]) -> None:
        if index < 0 or self._frame is None:
            return
        self._ends = [*self._ends[-1:], index]
        self.disk.selection = np.array(self._ends, np.int64)
        self.disk.refresh()
        if self._has_geodesic:
            self._inside.setCurrentWidget(self.between)
            self._share = 0.5
            self._follow_geodesic()

    @property
    def _has_geodesic(self) -> bool:
        return len(self._ends) == 2 and self._ends[0] != self._ends[1]

    @Slot()
    def _follow_geodesic(self) -> None:
        """Ask for the geodesic between the two chosen features as they are now."""
        if self._has_geodesic:
            first, second = self._ends
            self.port.ask_latest("between", self._show_between, model=self.model, first=first, second=second)

    def _show_between(self, answer: dict[str, Any]) -> None:
        if self._frame is None:
            return
        probabilities = answer["probabilities"]
        self.between.clear()
        for k, name in enumerate(self._frame.class_names):
            if probabilities[:, k].max() > 0.02:
                self.between.set_series(str(name), answer["t"], probabilities[:, k], color=k)
        self.between.title = f"Classes along the geodesic of length {answer['length']:.2f}"
        self._path, self._along = answer["path"] @ np.array([1, 1j]), probabilities
        self.disk.set_curve("between", self._path, color="foreground", width=2.0)
        self.disk.set_mark("along", None)
        if np.ptp(self._path.real) or np.ptp(self._path.imag):  # none in the disk where features are Euclidean
            self._stand_at(round(self._share * (len(self._path) - 1)))

    def _stand_at(self, index: int) -> None:
        """Place the handle on the geodesic and say what the network makes of the features there."""
        if self._frame is None:
            return
        place, probabilities = self._path[index], self._along[index]
        self._share = index / (len(self._path) - 1)
        self.disk.set_mark("along", (place.real, place.imag), "on the geodesic", color="foreground", draggable=True)
        self.between.set_line("along", self._share, "vertical", label="here")
        self.verdict.setText(_best_classes(self._frame.class_names, probabilities))

    @Slot(object, object)
    def _along_moved(self, what: object, place: tuple[float, float]) -> None:
        if what == "along" and len(self._path):
            self._stand_at(int(distance(self._path, np.array(complex(*place))).argmin()))

    @Slot(object)
    def _drawn(self, pixels: np.ndarray) -> None:
        if self._frame is None:
            return
        if not pixels.any():
            self.disk.set_mark("drawn", None)
            self.verdict.setText("Draw a digit.")
            return
        self.port.ask_latest("place", self._show_place, model=self.model, image=pixels)

    def _show_place(self, answer: dict[str, Any]) -> None:
        if self._frame is None:
            return
        self.verdict.setText(_best_classes(self._frame.class_names, answer["probabilities"]))
        self.disk.set_mark("drawn", answer["place"], "drawn", color="accent")


def _best_classes(names: tuple[str, ...], probabilities: np.ndarray) -> str:
    """The three likeliest classes, one a line."""
    return "\n".join(f"{names[k]}: {probabilities[k]:.0%}" for k in np.argsort(probabilities)[::-1][:3])
