"""Experiment "scaling": error against the number of training functions and of locations on each."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch

from plugins.deeponet import exports
from plugins.deeponet.contract import ScalingParameters
from plugins.deeponet.data import make_triples, points_of
from plugins.deeponet.experiments.operator import TEST_SEED
from plugins.deeponet.experiments.sweeping import Group, Stack, Sweep, listed, scaling_fits
from plugins.deeponet.frames import SweepFrame
from plugins.deeponet.model import DeepONet
from plugins.deeponet.problems import build_problem
from workbench.sdk import Progress, UserError

MOST_MEMBERS = 80


class Scaling(Sweep[ScalingParameters, SweepFrame]):
    """One network for each amount of data and seed; smaller sets are the beginnings of the largest."""

    def prepare(self) -> Iterator[Progress]:
        """Solve the largest set for each number of points and seed."""
        own = self.parameters
        functions = [int(value) for value in listed(own.functions, "#u", 2, 100_000)]
        points = [int(value) for value in listed(own.point_counts, "P", 1, 10_000)]
        if len(functions) * len(points) * own.seeds > MOST_MEMBERS:
            raise UserError(f"At most {MOST_MEMBERS} networks are trained side by side.")
        self._functions, self._points = np.array(functions), points
        self._labels = [f"P = {count}" for count in points]
        problem = build_problem(own)
        self._title = problem.title
        places = np.linspace(problem.space.start, problem.space.end, own.sensors)
        device, groups = self.context.device, []
        for label, count in zip(self._labels, points, strict=True):
            sets: dict[str, list] = {"train": [], "test": []}
            for member in range(own.seeds):
                seed = self.data_seed * 100 + member
                test_points = points_of(problem, 0)
                for name, first, total, per in (
                    ("train", seed, max(functions), count),
                    ("test", TEST_SEED + seed, max(2, own.test_triples // test_points), test_points),
                ):
                    for said in make_triples(own, places, total, per, first, self.context.cache, purpose=name):
                        if isinstance(said, Progress):
                            yield said
                        else:
                            sets[name].append(said)
            yield Progress("Building the networks")
            train, test = (Stack.of(sets[name], device) for name in ("train", "test"))
            order = [(size, member) for size in functions for member in range(own.seeds)]
            network = DeepONet(
                own.sensors, problem.dimensions, width=own.width, basis=own.basis, branch_depth=own.branch_depth,
                trunk_depth=own.trunk_depth, activation=own.activation,
                seeds=[self.data_seed * 100 + member for _, member in order],
            ).to(device)  # fmt: skip
            limits = torch.tensor([min(size * count, train.count[member]) for size, member in order], device=device)
            owned = torch.tensor([member for _, member in order], device=device)
            groups.append(Group(label, network, train, test, owned, limits))
        self.adopt(groups)
        yield from self.evaluate()
        self.warm()

    def curves(self, name: str = "test") -> np.ndarray:
        """Errors (P, #u, seeds)."""
        shape = (len(self._functions), self.parameters.seeds)
        nothing = np.full(shape, np.nan)
        return np.stack([
            self._found[label][name].reshape(shape) if label in self._found else nothing for label in self._labels
        ])  # fmt: skip

    def frame(self) -> SweepFrame:
        """Errors against #u with both fits of the first curve that has them."""
        test = self.curves("test")
        fits = {}
        for label, own in zip(self._labels, test, strict=True):
            for name, (x, y, rate, residual) in scaling_fits(self._functions, own.mean(1)).items():
                fits[f"{label} · {name} ({rate:.3g}; misfit {residual:.2f})"] = (x, y)
        return SweepFrame(
            step=self.step, title=self._title, x_label="training functions #u", labels=tuple(self._labels),
            x=np.broadcast_to(self._functions.astype(float), test.shape[:2]).copy(), train=self.curves("train"),
            test=test, trimmed=self.curves("trimmed"),
            variance=np.array([float(group.test.s.var()) for group in self._groups]),
            parameters=tuple(group.parameters for group in self._groups),
            milliseconds=tuple(1e3 * self._times.get(label, float("nan")) for label in self._labels), fits=fits,
        )  # fmt: skip

    def save_artefacts(self, folder: Path) -> None:
        """Write the error of every network."""
        test, train = self.curves("test"), self.curves("train")
        rows = [
            (label, int(size), seed, float(train[i, j, seed]), float(test[i, j, seed]))
            for i, label in enumerate(self._labels) for j, size in enumerate(self._functions)
            for seed in range(self.parameters.seeds)
        ]  # fmt: skip
        exports.write_rows(folder / "scaling.csv", ("points", "functions", "seed", "train", "test"), rows)
