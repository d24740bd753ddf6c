"""Experiment "sensors": error against the number of points at which u is read, over T, l and k."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from plugins.deeponet import exports
from plugins.deeponet.contract import SensorParameters
from plugins.deeponet.data import Triples, make_triples, points_of
from plugins.deeponet.experiments.operator import TEST_SEED
from plugins.deeponet.experiments.sweeping import Group, Stack, Sweep, elbow, listed
from plugins.deeponet.frames import SweepFrame
from plugins.deeponet.model import DeepONet
from plugins.deeponet.problems import build_problem
from workbench.sdk import Progress, UserError

MOST_CURVES = 8
MOST_MEMBERS = 120


class Sensors(Sweep[SensorParameters, SweepFrame]):
    """One network for each number of sensors, setting and seed, all trained side by side."""

    def prepare(self) -> Iterator[Progress]:
        """Solve the problems of every setting; one solution serves all numbers of sensors."""
        own = self.parameters
        counts = [int(value) for value in listed(own.counts, "sensors m", 1, 200)]
        settings = [
            {"duration": duration, "length_scale": scale, "pendulum_k": k}
            for duration in listed(own.durations, "T list", 0.5, 5, own.duration)
            for scale in listed(own.length_scales, "l list", 0.05, 2, own.length_scale)
            for k in listed(own.gravities, "k list", 0, 10, own.pendulum_k)
        ]
        if len(settings) > MOST_CURVES or len(settings) * len(counts) * own.seeds > MOST_MEMBERS:
            raise UserError(f"At most {MOST_CURVES} settings and {MOST_MEMBERS} networks are trained side by side.")
        self._counts, self._settings = np.array(counts), settings
        self._labels = [self._label(setting, settings) for setting in settings]
        device, groups = self.context.device, []
        for label, setting in zip(self._labels, settings, strict=True):
            chosen = own.changed(**setting)
            problem = build_problem(chosen)
            points = points_of(problem, own.points)
            sets: dict[str, list[Triples]] = {"train": [], "test": []}
            # All numbers of sensors read the same solved problems: one set with every position, cut into columns.
            start, end = problem.space.start, problem.space.end
            each = [
                np.linspace(start, end, count) if count > 1 else np.array([0.5 * (start + end)]) for count in counts
            ]
            found: dict[tuple[str, int], Triples] = {}
            for member in range(own.seeds):
                seed = self.data_seed * 100 + member
                for name, first, total in (("train", seed, own.triples), ("test", TEST_SEED + seed, own.test_triples)):
                    for said in make_triples(
                        chosen, np.concatenate(each), max(2, total // points), points, first, self.context.cache,
                        purpose=name,
                    ):  # fmt: skip
                        if isinstance(said, Progress):
                            yield said
                        else:
                            found[name, member] = said
            ends = np.cumsum([len(places) for places in each])
            for end_column, places in zip(ends, each, strict=True):
                for (name, _), data in found.items():
                    sets[name].append(replace(data, sensors=data.sensors[:, end_column - len(places) : end_column]))
            yield Progress("Building the networks")
            members = len(sets["train"])
            seeds = [self.data_seed * 100 + member for _ in counts for member in range(own.seeds)]
            used = [count for count in counts for _ in range(own.seeds)]
            network = DeepONet(
                max(counts), problem.dimensions, width=own.width, basis=own.basis, branch_depth=own.branch_depth,
                trunk_depth=own.trunk_depth, activation=own.activation, seeds=seeds, inputs_used=used,
            ).to(device)  # fmt: skip
            train, test = (Stack.of(sets[name], device, max(counts)) for name in ("train", "test"))
            limits = torch.tensor(train.count, device=device)
            groups.append(Group(label, network, train, test, torch.arange(members, device=device), limits))
        self._title = build_problem(own).title
        self.adopt(groups)
        yield from self.evaluate()
        self.warm()

    @staticmethod
    def _label(setting: dict[str, float], settings: list[dict[str, float]]) -> str:
        names = {"duration": "T", "length_scale": "l", "pendulum_k": "k"}
        varied = [name for name in names if len({other[name] for other in settings}) > 1]
        return ", ".join(f"{names[name]} = {setting[name]:g}" for name in varied) or "test error"

    def curves(self, name: str = "test") -> np.ndarray:
        """Errors (settings, counts, seeds)."""
        shape = (len(self._counts), self.parameters.seeds)
        nothing = np.full(shape, np.nan)
        return np.stack([
            self._found[label][name].reshape(shape) if label in self._found else nothing for label in self._labels
        ])  # fmt: skip

    def frame(self) -> SweepFrame:
        """Errors against m, with the elbow of each curve."""
        test = self.curves("test")
        fits, elbows = {}, []
        for label, own in zip(self._labels, test, strict=True):
            place, line = elbow(np.log(self._counts), own.mean(1)) if len(self._counts) >= 4 else (float("nan"), None)
            elbows.append(float(np.exp(place)))
            if line is not None:
                fits[label] = (np.exp(line[0]), line[1])
        return SweepFrame(
            step=self.step, title=self._title, x_label="sensors m", labels=tuple(self._labels),
            x=np.broadcast_to(self._counts.astype(float), test.shape[:2]).copy(), train=self.curves("train"), test=test,
            trimmed=self.curves("trimmed"),
            variance=np.array([float(group.test.s.var()) for group in self._groups]),
            parameters=tuple(group.parameters for group in self._groups),
            milliseconds=tuple(1e3 * self._times.get(label, float("nan")) for label in self._labels),
            fits=fits, elbows=tuple(elbows),
        )  # fmt: skip

    def save_artefacts(self, folder: Path) -> None:
        """Write the error of every network."""
        test, train = self.curves("test"), self.curves("train")
        rows = [
            (label, int(count), seed, float(train[i, j, seed]), float(test[i, j, seed]))
            for i, label in enumerate(self._labels) for j, count in enumerate(self._counts)
            for seed in range(self.parameters.seeds)
        ]  # fmt: skip
        exports.write_rows(folder / "sensors.csv", ("setting", "sensors", "seed", "train", "test"), rows)
