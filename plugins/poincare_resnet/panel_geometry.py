"""Views of the experiments without images: collapse, means, hierarchies, and the cost of a backward pass."""

from __future__ import annotations

from typing import Any

import numpy as np
from PySide6.QtCore import Slot
from PySide6.QtWidgets import QCheckBox, QFormLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from plugins.poincare_resnet.contract import CollapseFrame, CostFrame, MeanFrame, TreeFrame
from plugins.poincare_resnet.panel_parts import TILINGS, draw_hyperplane, tiling_box
from workbench.sdk import MetricsHistory
from workbench.views import BarsView, Column, CurvesView, ExperimentView, ScatterView, SessionPort, TableView
from workbench.views.edits import Edit
from workbench.views.hyperbolic_plane import circle, distance, signed_distance
from workbench.views.layouts import above, beside, tabs_of
from workbench.views.poincare_disk import PoincareDiskView


def filled(view: QWidget, body: QWidget) -> None:
    """Let `body` fill a view."""
    layout = QVBoxLayout(view)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.addWidget(body)


class CollapseView(ExperimentView):
    """Mean distance after each layer, and the points themselves for each start."""

    hint = "Each step is one more untrained layer. Distances are hyperbolic; the dashed line is √(2/width) a layer."

    def __init__(self, port: SessionPort, parent: QWidget | None = None) -> None:
        super().__init__(port, parent)
        self.curves = CurvesView("collapse", "Mean distance from the origin", "layer", "distance", log_y=True)
        self.table = TableView("ratios", "After the last layer")
        self.disks: dict[str, PoincareDiskView] = {}
        self._row = beside(sizes=())
        filled(self, above(beside(self.curves, self.table, sizes=(680, 280)), self._row, sizes=(330, 330)))

    def show_frame(self, frame: CollapseFrame) -> None:
        """Draw distances and points."""
        layers = np.arange(frame.distances.shape[1])
        for index, name in enumerate(frame.names):
            self.curves.set_series(name, layers, np.maximum(frame.distances[index], 1e-30), color=index)
            if name not in self.disks:
                self.disks[name] = PoincareDiskView(f"disk-{index}", f"{name} (distances × 3)")
                self.disks[name].set_zoom(3.0)
                self._row.addWidget(self.disks[name])
            self.disks[name].set_points(frame.disks[name], classes=np.full(len(frame.disks[name]), index), sizes=5.0)
        if "predicted" in self.curves.series_names or frame.predicted is not None:
            self.curves.set_series("predicted", layers, frame.predicted, label="HNN++ as predicted", color="muted",
                                   style="dash", width=1.0)  # fmt: skip
        rows = [[name, own[-1] / own[0], (own[-1] / own[0]) ** (1 / max(1, len(layers) - 1))]
                for name, own in zip(frame.names, frame.distances, strict=True)]  # fmt: skip
        self.table.set_rows(["start", Column("last / first", digits=4), Column("a layer", digits=4)], rows)


class MeanView(ExperimentView):
    """A cloud whose points can be dragged, with midpoint and Fréchet mean, and how far they part as it widens."""

    hint = "Drag a point: the two means follow. Drag the empty plane to move it. The curves come with Train."

    def __init__(self, port: SessionPort, parent: QWidget | None = None) -> None:
        super().__init__(port, parent)
        self._cloud = np.empty((0, 2))
        self._before: np.ndarray | None = None
        self._midpoint = 0j
        self._handle = (0.25, 0.25)
        self._is_edited = False
        self.disk = PoincareDiskView("disk", "Cloud and its means", points_are_draggable=True,
                                     hint="Drag a point; drag the empty plane to move it.")  # fmt: skip
        self.tiles = tiling_box()
        self.disk.add_tool(self.tiles)
        self.ratios = CurvesView("ratios", "How far the means part", "standard deviation", "d(midpoint, mean) / σ",
                                 log_y=True)  # fmt: skip
        self.times = CurvesView("times", "Time of each mean", y_label="time", y_unit="ms", log_y=True)
        right = above(self.ratios, self.times, sizes=(1, 1))
        filled(self, beside(self.disk, right, sizes=(55, 45)))
        self.tiles.activated.connect(self._show_tiling)
        self.disk.moved.connect(self._moved)
        self.disk.released.connect(self._released)
        self._play = QWidget()
        form = QFormLayout(self._play)
        form.setContentsMargins(0, 0, 0, 0)
        self.apart, self.spread = QLabel("–"), QLabel("–")
        form.addRow("distance between them", self.apart)
        form.addRow("standard deviation", self.spread)
        self.shows_plane = QCheckBox("hyperplane")
        self.shows_plane.setToolTip("A decision boundary of a hyperbolic layer; drag its handle")
        self.shows_plane.toggled.connect(self._show_plane)
        self.signed = QLabel("–")
        form.addRow(self.shows_plane)
        form.addRow("midpoint's distance to it", self.signed)
        again = QPushButton("Back to the drawn cloud")
        again.setToolTip("Forget what was dragged")
        again.clicked.connect(self._again)
        form.addRow(again)

    def play_controls(self) -> QWidget:
        """The numbers of the cloud."""
        return self._play

    def start_over(self) -> None:
        """A new cloud."""
        self._is_edited = False
        self.times.clear()

    def show_frame(self, frame: MeanFrame) -> None:
        """Draw cloud and curves."""
        if not self._is_edited:
            self._show_cloud(frame.points)
            self._show_means({"midpoint": frame.midpoint, "frechet": frame.frechet, "apart": frame.apart,
                              "spread": frame.spread})  # fmt: skip
        for index, (name, values) in enumerate(frame.ratios.items()):
            self.ratios.set_series(name, frame.deviations[name], values, color=index)
        self.ratios.set_line("bar", 0.01, label="1 %", color="muted")

    def show_metrics(self, history: MetricsHistory) -> None:
        """Draw times."""
        names = {f"milliseconds/{name}": name for name in ("midpoint", "Fréchet mean")}
        self.times.show_history(history, names, colors={"milliseconds/midpoint": 2, "milliseconds/Fréchet mean": 3})

    def _show_cloud(self, points: np.ndarray) -> None:
        self._cloud = np.array(points)
        self.disk.set_points(self._cloud, sizes=9.0, labels=[f"point {index}" for index in range(len(points))])

    def _show_means(self, found: dict[str, Any]) -> None:
        self._midpoint = complex(*found["midpoint"])
        self.disk.set_mark("midpoint", found["midpoint"], "midpoint", color=2)
        self.disk.set_mark("frechet", found["frechet"], "Fréchet mean", color=3)
        self.apart.setText(f"{found['apart']:.4f}")
        self.spread.setText(f"{found['spread']:.3f}")
        mean = complex(*found["frechet"])
        self.disk.set_curve("circle", circle(mean, float(found["spread"])), color="muted", label="one σ about the mean")

        self._show_plane()

    @Slot()
    def _show_plane(self) -> None:
        """Draw the hyperplane through the handle, at right angles to the way there, and its level sets."""
        is_shown, handle = self.shows_plane.isChecked(), complex(*self._handle)
        self.disk.set_mark(
            "hyperplane", self._handle if is_shown else None, "hyperplane", color="accent", draggable=True
        )
        draw_hyperplane(self.disk, handle if is_shown else None)
        offset = float(distance(np.array(handle), np.array(0)))
        own = float(signed_distance(np.array(self._midpoint), handle, offset))
        self.signed.setText(f"{own:+.3f}" if is_shown else "–")

    @Slot(object, object)
    def _moved(self, what: object, place: tuple[float, float]) -> None:
        if what == "hyperplane" and 0.01 < np.hypot(*place) < 0.99:
            self._handle = place
            self._show_plane()
        if isinstance(what, int):
            self._before = self._cloud.copy() if self._before is None else self._before
            self._cloud[what] = place
            self._use_cloud(self._cloud)

    @Slot(object, object)
    def _released(self, what: object, place: tuple[float, float]) -> None:
        self._moved(what, place)
        if self._before is not None:
            self.port.undo_stack.push(Edit("Drag a point", self._use_cloud, self._before, self._cloud.copy()))
            self._before = None

    def _use_cloud(self, cloud: np.ndarray) -> None:
        """Show a cloud that a person has made, and ask for its means."""
        self._is_edited = True
        self._show_cloud(cloud)
        self.port.ask_latest("means_of", self._show_means, points=cloud.copy())

    @Slot()
    def _again(self) -> None:
        self._is_edited = False
        self.port.ask_latest("cloud_now", self._take_cloud)

    def _take_cloud(self, found: dict[str, Any]) -> None:
        self._show_cloud(found["points"])
        self._show_means(found)

    @Slot()
    def _show_tiling(self) -> None:
        self.disk.set_tiling(TILINGS[self.tiles.currentText()])


class TreeView(ExperimentView):
    """The hierarchy in the disk and in the plane, learnt side by side."""

    hint = "Right-click a node to make it the origin: every subtree looks like the whole. Click two for their distance."

    def __init__(self, port: SessionPort, parent: QWidget | None = None) -> None:
        super().__init__(port, parent)
        self._ends: list[int] = []
        self._frame: TreeFrame | None = None
        self.disk = PoincareDiskView("disk", "In the hyperbolic plane")
        self.tiles = tiling_box()
        self.disk.add_tool(self.tiles)
        self.plane = ScatterView("plane", "In the Euclidean plane", aspect="equal", point_size=6)
        self.loss = CurvesView("loss", "Loss", y_label="loss", smoothing=0.9)
        self.rank = CurvesView("rank", "Mean rank of ancestors", y_label="rank", log_y=True)
        self.table = TableView("scores", "How well each keeps the tree")
        pages = tabs_of({"Mean rank": self.rank, "Loss": self.loss})
        right = above(self.plane, pages, self.table, sizes=(45, 33, 22))
        filled(self, beside(self.disk, right, sizes=(58, 42)))
        self.tiles.activated.connect(self._show_tiling)
        self.disk.clicked.connect(self._clicked)

    def start_over(self) -> None:
        """A new tree."""
        self._ends = []
        self.disk.selection = np.empty(0, np.int64)
        self.disk.title = "In the hyperbolic plane"
        self._show_way()
        for view in (self.loss, self.rank):
            view.clear()

    def show_frame(self, frame: TreeFrame) -> None:
        """Draw both embeddings."""
        self._frame = frame
        shade = frame.depth / max(1, frame.depth.max())
        labels = [f"{name}, level {depth}" for name, depth in zip(frame.labels, frame.depth, strict=True)]
        self.disk.set_segments("edges", frame.points[frame.edges], color="muted")
        self.disk.set_points(
            frame.points, values=1 - 0.85 * shade, labels=labels, sizes=np.where(shade == 0, 11.0, 6.5)
        )
        self.plane.set_drawing("edges", _lines(frame.plane[frame.edges]), below=True)
        self.plane.set_points(
            frame.plane[:, 0], frame.plane[:, 1], values=1 - 0.85 * shade, labels=labels, levels=(0, 1)
        )
        self._show_way()
        rows = [[{"disk": "hyperbolic plane", "plane": "Euclidean plane"}[name], *score]
                for name, score in frame.scores.items()]  # fmt: skip
        columns = ["where", Column("mean rank", better="low"), Column("MAP", better="high"),
                   Column("distortion", better="low")]  # fmt: skip
        self.table.set_rows(columns, rows)

    def show_metrics(self, history: MetricsHistory) -> None:
        """Draw loss and rank."""
        for view, prefix in ((self.loss, "loss"), (self.rank, "mean rank")):
            names = {f"{prefix}/disk": "hyperbolic", f"{prefix}/plane": "Euclidean"}
            view.show_history(history, names)

    @Slot(int, object)
    def _clicked(self, index: int, place: tuple[float, float]) -> None:
        if index >= 0:
            self._ends = [*self._ends[-1:], index]
            self.disk.selection = np.array(self._ends)
            self.plane.set_highlight(self._ends)
            self._show_way()

    def _show_way(self) -> None:
        """Draw the geodesic between the two nodes clicked last, and say how long it is."""
        frame = self._frame
        if frame is None or len(set(self._ends)) < 2:
            self.disk.set_segments("way", None)
            return
        ends = frame.points[self._ends]
        z = ends @ np.array([1, 1j])
        self.disk.set_segments("way", ends[None], color="accent", width=2.0)
        steps = steps_between(frame.edges, *self._ends)
        self.disk.title = f"Distance {float(distance(z[0], z[1])):.2f} for {steps} edges"

    @Slot()
    def _show_tiling(self) -> None:
        self.disk.set_tiling(TILINGS[self.tiles.currentText()])


def steps_between(edges: np.ndarray, first: int, last: int) -> int:
    """Number of edges (e, 2) on the shortest way between two nodes; they are connected."""
    reached, steps = {first}, 0
    while last not in reached:
        touched = np.isin(edges, list(reached)).any(1)
        reached, steps = reached | set(edges[touched].ravel().tolist()), steps + 1
    return steps


def _lines(ends: np.ndarray) -> Any:
    from workbench.views.painting import draw_segments, pen
    from workbench.views.theme import theme

    def draw(painter: Any, frame: Any) -> None:
        flat = ends.reshape(-1, 2)
        pixels = frame.points(flat[:, 0], flat[:, 1]).reshape(-1, 4)
        draw_segments(painter, pixels, pen(theme().muted, 1.0))

    return draw


class CostView(ExperimentView):
    """Bytes that a forward pass keeps for its backward pass, and milliseconds, by kind of gradient."""

    hint = "Press Train: each step measures one map or network under both kinds of backward pass, here and now."

    def __init__(self, port: SessionPort, parent: QWidget | None = None) -> None:
        super().__init__(port, parent)
        self.bytes = BarsView("bytes", "Kept for the backward pass", "memory", unit="MB", horizontal=True)
        self.times = BarsView("milliseconds", "Forward and backward", "time", unit="ms", horizontal=True, log=True)
        self.table = TableView("cost", "Manual against automatic")
        filled(self, above(beside(self.bytes, self.times, sizes=(1, 1)), self.table, sizes=(66, 34)))
        for view in (self.bytes, self.times):
            view.show_message("Press Train (Space) to measure on this machine.")

    def show_frame(self, frame: CostFrame) -> None:
        """Draw what was measured."""
        if not frame.names:
            return
        for view in (self.bytes, self.times):
            view.show_message("")
        self.bytes.set_bars(frame.names, {kind: values / 1e6 for kind, values in frame.saved.items()})
        self.times.set_bars(frame.names, dict(frame.milliseconds))
        rows = [
            [name, *(frame.saved[kind][i] / 1e6 for kind in frame.saved),
             frame.saved["manual"][i] / frame.saved["autograd"][i],
             *(frame.milliseconds[kind][i] for kind in frame.milliseconds),
             frame.milliseconds["manual"][i] / frame.milliseconds["autograd"][i]]
            for i, name in enumerate(frame.names)
        ]  # fmt: skip
        self.table.set_rows(["what", "MB, autograd", "MB, manual", "ratio of memory", "ms, autograd", "ms, manual",
                             "ratio of time"], rows)  # fmt: skip
