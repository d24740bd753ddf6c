"""The four experiments, each the shared training with its own task."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch

from plugins.pointer_networks import geometry
from plugins.pointer_networks.contract import (
    MOST_POINTS,
    SOLVER_LABELS,
    DelaunayParameters,
    HullParameters,
    PointerFrame,
    SortParameters,
    TourParameters,
)
from plugins.pointer_networks.experiments.training import CHUNK, TEST_SEED, Training
from plugins.pointer_networks.files import read_authors_text
from plugins.pointer_networks.tasks import DelaunayTask, HullTask, Scores, SortTask, Task, TourTask
from workbench.sdk import Progress, UserError, action
from workbench.toolkit import tsp

WIDE = 5
"""Beam of the second bar of the pointer network's tours."""
POOL = 2000
"""Instances of each size that are labelled beforehand, where labelling takes too long for fresh batches."""


class Hull(Training[HullParameters, PointerFrame]):
    """Convex hulls by all three models (sections 3.1 and 4.2)."""

    def make_task(self) -> Task:
        """Hulls."""
        return HullTask()

    def by_rank(self, scores: Scores, truth: np.ndarray, size: int) -> np.ndarray:
        """By the mean input rank of the hull's points."""
        thirds = np.array_split(np.argsort(geometry.mean_hull_rank(truth, size), kind="stable"), 3)
        return np.array([scores.is_right[third].mean() if len(third) else np.nan for third in thirds])

    def further(self, points: np.ndarray) -> tuple[tuple[tuple[str, float, np.ndarray], ...], bool, str]:
        """Say where there is no area."""
        hull = geometry.corners(geometry.convex_hulls(points[None])[0])
        flat = len(hull) < 3 or geometry.polygon_area(points[hull - 1]) < 1e-9
        return (), True, "All points are on one line, so there is no area to cover." if flat else ""


class Triangulation(Training[DelaunayParameters, PointerFrame]):
    """Delaunay triangulations (sections 3.2 and 4.3)."""

    def make_task(self) -> Task:
        """Triangles in the order asked for."""
        return DelaunayTask(self.parameters.order == "incentre")

    def further(self, points: np.ndarray) -> tuple[tuple[tuple[str, float, np.ndarray], ...], bool, str]:
        """Say where there are no triangles."""
        flat = not len(geometry.triangles(geometry.delaunay(points[None])[0]))
        return (), True, "These points span no triangle." if flat else ""


class Tour(Training[TourParameters, PointerFrame]):
    """Round tours (sections 3.3 and 4.4)."""

    def make_task(self) -> Task:
        """Tours by the chosen solver."""
        return TourTask(self.parameters.solver, self.parameters.direction)

    def prepare(self) -> Iterator[Progress]:
        """Label a pool by Christofides, which takes too long for fresh batches; then as for the other tasks."""
        own = self.parameters
        if own.solver == "a3":
            for size in range(own.n_min, own.n_max + 1):
                rng = np.random.default_rng([TEST_SEED + 1, size])
                parts = []
                for start in range(0, POOL, 20):
                    yield Progress(f"Christofides' tours of {size} cities", start / POOL)
                    points = self._task.draw(rng, 20, size)
                    parts.append((points, self._task.training_label(points, rng)))
                self._pool[size] = (np.concatenate([p for p, _ in parts]), np.concatenate([t for _, t in parts]))
        yield from super().prepare()

    def draw_batch(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Fresh cities, or some of the pool."""
        if not self._pool:
            return super().draw_batch()
        own, rng = self.parameters, self.context.rng
        points, tours = self._pool[int(rng.integers(own.n_min, own.n_max + 1))]
        rows = rng.integers(len(points), size=own.batch)
        targets = geometry.padded(tours[rows], tours.shape[1] + 1)
        return self.tensor(points[rows]), torch.from_numpy(targets).to(self.context.device)

    def references(self, is_whole: bool) -> dict[str, np.ndarray]:
        """Mean lengths of the true tours, of the nearest neighbour's, and of the cities in the order given."""
        rows: dict[str, list[float]] = {"optimal": [], "nearest neighbour": [], "random order": []}
        for size, (points, truth) in self._tests.items():
            count = self.test_count(size, is_whole)
            points, truth = points[:count], truth[:count]
            rows["optimal"].append(
                float(tsp.tour_lengths(points, truth - 1).mean()) if size <= tsp.EXACT_LIMIT else np.nan
            )
            rows["nearest neighbour"].append(float(tsp.tour_lengths(points, tsp.nearest_neighbour(points)).mean()))
            rows["random order"].append(float(tsp.tour_lengths(points, np.tile(np.arange(size), (count, 1))).mean()))
        return {name: np.array(values) for name, values in rows.items()}

    def further(self, points: np.ndarray) -> tuple[tuple[tuple[str, float, np.ndarray], ...], bool, str]:
        """Tours by every quick solver, and Christofides' bare one."""
        count, sets = len(points), points[None]
        greedy = tsp.greedy_edge(sets)
        tours = {
            "given order": np.arange(count)[None],
            SOLVER_LABELS["a1"]: tsp.nearest_neighbour(sets),
            "greedy edges": greedy,
            SOLVER_LABELS["a2"]: tsp.two_opt(sets, greedy),
            SOLVER_LABELS["a3"]: tsp.christofides_two_opt(sets),
        }
        is_exact = count <= tsp.EXACT_LIMIT - 3
        if is_exact:
            tours["Held–Karp (exact)"] = tsp.optimal(sets)
        if "pointer" in self.networks:
            wide = self.decoded("pointer", sets, rule="permutation", beam=WIDE).slots.cpu().numpy()
            tours[f"Ptr-Net, beam {WIDE}"] = geometry.padded(wide, count) - 1
        found = tuple((name, float(tsp.tour_lengths(sets, tour)[0]), tour[0] + 1) for name, tour in tours.items())
        note = "" if is_exact else "Too many cities for an exact tour in time: the dashed one is by 2-opt."
        return found, is_exact, note

    @action
    def improve(self, points: np.ndarray, slots: np.ndarray) -> list[np.ndarray]:
        """Exchange edges of a tour until none gains anything; return the tour after every exchange."""
        points = np.asarray(points, np.float64)[None]
        tour = np.asarray(slots, np.int64)[None] - 1
        return [own[0] + 1 for own in tsp.two_opt_steps(points, tour)]

    @action
    def load(self, file: str) -> np.ndarray:
        """Read cities from a TSPLIB, CSV or the authors' file, moved into the unit square, if so many can be shown."""
        path = Path(file)
        if path.suffix.lower() == ".txt":
            return next(iter(read_authors_text(path, "tour", most=1).values())).points[0]
        points = tsp.load_cities(path)
        if len(points) > MOST_POINTS:
            raise UserError(f"{path.name} has {len(points)} cities; up to {MOST_POINTS} can be shown here.")
        return tsp.into_unit_square(points)

    def save_artefacts(self, folder: Path) -> None:
        """Also the tours of the probe by everyone, as rows of city numbers."""
        super().save_artefacts(folder)
        answer = self.answers_to(self._probe)
        rows = [(name, length, slots) for name, length, slots in answer.others]
        rows += [(name, own.quality, own.slots) for name, own in answer.answers.items() if own.is_valid]
        with (folder / "tours.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(["tour", "length", "cities"])
            writer.writerows(
                (name, f"{length:.9g}", " ".join(map(str, geometry.chosen(slots)))) for name, length, slots in rows
            )


class Sort(Training[SortParameters, PointerFrame]):
    """Sorting numbers: the smallest task on which a pointer makes sense."""

    def make_task(self) -> Task:
        """Ascending order."""
        return SortTask()


__all__ = ["CHUNK", "Hull", "Sort", "Tour", "Triangulation"]
