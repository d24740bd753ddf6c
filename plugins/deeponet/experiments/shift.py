"""Experiment "shift": trained on one space of functions, tested on others near and far."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float

from plugins.deeponet import exports
from plugins.deeponet.contract import SPACES, ShiftParameters
from plugins.deeponet.data import Triples, make_triples, points_of
from plugins.deeponet.experiments.operator import TEST_SEED
from plugins.deeponet.experiments.sweeping import Group, Stack, Sweep, listed
from plugins.deeponet.frames import ShiftFrame
from plugins.deeponet.model import DeepONet
from plugins.deeponet.problems import Space, build_problem
from workbench.sdk import Progress
from workbench.toolkit.random_functions import process_distance

OTHERS = ("grf_ae", "chebyshev", "power")
PLACES = 201


class Shift(Sweep[ShiftParameters, ShiftFrame]):
    """Networks of several seeds on one problem; test sets of every other length scale and space."""

    def prepare(self) -> Iterator[Progress]:
        """Solve training problems, and test problems of every space."""
        own = self.parameters
        self._scales = np.array(listed(own.scales, "test l", 0.02, 4))
        self._problem = problem = build_problem(own)
        places = np.linspace(problem.space.start, problem.space.end, own.sensors)
        points = points_of(problem, own.points)
        kernel = "exponential" if own.space == "grf_ae" else "rbf"
        self._distance = np.array([process_distance(kernel, own.length_scale, scale) for scale in self._scales])
        sets: dict[str, list[Triples]] = {"train": [], "test": []}
        for member in range(own.seeds):
            seed = self.data_seed * 100 + member
            for name, first, total in (("train", seed, own.triples), ("test", TEST_SEED + seed, own.test_triples)):
                for said in make_triples(
                    own, places, max(2, total // points), points, first, self.context.cache, purpose=name
                ):
                    if isinstance(said, Progress):
                        yield said
                    else:
                        sets[name].append(said)
        self._elsewhere: dict[str, Stack] = {}
        functions = max(2, own.test_triples // points)
        variants = [(f"{scale:g}", {"length_scale": float(scale)}) for scale in self._scales]
        variants += [(kind, {"space": kind}) for kind in OTHERS if kind != own.space]
        device = self.context.device
        for name, change in variants:
            chosen = own.model_copy(update=change)  # test scales may lie outside the form's range
            for said in make_triples(
                chosen, places, functions, points, TEST_SEED + 50 + self.data_seed, self.context.cache, purpose=name
            ):
                if isinstance(said, Progress):
                    yield said
                else:
                    self._elsewhere[name] = Stack.of([said], device)
        yield Progress("Building the networks")
        seeds = [self.data_seed * 100 + member for member in range(own.seeds)]
        network = DeepONet(
            own.sensors, problem.dimensions, width=own.width, basis=own.basis, branch_depth=own.branch_depth,
            trunk_depth=own.trunk_depth, activation=own.activation, seeds=seeds,
        ).to(device)  # fmt: skip
        train, test = (Stack.of(sets[name], device) for name in ("train", "test"))
        limits = torch.tensor(train.count, device=device)
        self.adopt([Group("deeponet", network, train, test, torch.arange(own.seeds, device=device), limits)])
        self._shifted: dict[str, tuple[np.ndarray, np.ndarray]] = {}
        self._example()
        yield from self.evaluate()
        self.warm()

    def _example(self) -> None:
        """One draw of every length scale by the same dice, with its answer."""
        space = self._problem.space
        inputs = []
        for scale in self._scales:
            drawn = Space(space.kind, float(scale), space.start, space.end, space.nodes)
            inputs.append(drawn.sample(1, np.random.default_rng(5))[0])
        self._inputs = np.stack(inputs)
        self._truths = self._problem.solve(self._inputs)

    def evaluate(self) -> Iterator[Progress]:
        """Errors as ever, and on every other space."""
        yield from super().evaluate()
        group = self._groups[0]
        for name, data in self._elsewhere.items():
            squared = self._everywhere(group, data)
            mse = squared.mean(1)
            relative = (squared.sum(1) / data.s[0].square().sum()).sqrt()
            self._shifted[name] = mse.cpu().numpy(), relative.cpu().numpy()
            yield Progress("Looking at other spaces")

    @torch.no_grad()
    def _everywhere(self, group: Group, data: Stack) -> torch.Tensor:
        members = group.members
        u = data.sensors[0][data.index[0]][None].expand(members, -1, -1)
        return (group.network(u, data.y.expand(members, -1, -1)) - data.s).square()

    def relative(self, names: list[str]) -> Float[np.ndarray, "k s"]:
        """Relative L2 errors over the test sets of some spaces."""
        nothing = np.full(self.parameters.seeds, np.nan)
        return np.stack([self._shifted.get(name, (nothing, nothing))[1] for name in names])

    @torch.no_grad()
    def frame(self) -> ShiftFrame:
        """Errors against length scale and distance; one draw of each scale with both answers."""
        own, problem = self.parameters, self._problem
        names = [f"{scale:g}" for scale in self._scales]
        nothing = np.full(own.seeds, np.nan)
        others = [name for name in OTHERS if name != own.space]
        places = np.linspace(problem.space.start, problem.space.end, own.sensors)
        read = torch.as_tensor(self._inputs @ problem.reader(places), dtype=torch.float32, device=self.context.device)
        axis = problem.axes[0]
        thinned = slice(None, None, max(1, len(axis) // PLACES))
        if problem.dimensions == 1:
            y = torch.as_tensor(axis[thinned], dtype=torch.float32, device=self.context.device)[:, None]
            truths = self._truths[:, thinned]
        else:  # along x at the last time
            y = torch.as_tensor(
                np.stack([axis[thinned], np.full(len(axis[thinned]), problem.axes[1][-1])], 1),
                dtype=torch.float32, device=self.context.device,
            )  # fmt: skip
            truths = self._truths[:, thinned, -1]
        network = self._groups[0].network
        members = self._groups[0].members
        answers = network.aligned(read[None].expand(members, -1, -1), y[None].expand(members, -1, -1))[0]
        step = max(1, len(problem.nodes) // PLACES)
        return ShiftFrame(
            step=self.step, trained=own.length_scale, scales=self._scales, distance=self._distance,
            relative=self.relative(names),
            mse=np.stack([self._shifted.get(name, (nothing, nothing))[0] for name in names]),
            others=tuple(SPACES[name] for name in others), others_relative=self.relative(others), x=axis[thinned],
            inputs=self._inputs[:, ::step], truths=truths, predictions=answers.cpu().numpy(),
            input_x=problem.nodes[::step],
        )  # fmt: skip

    def save_artefacts(self, folder: Path) -> None:
        """Write errors of every space."""
        rows = [(name, seed, float(mse[seed]), float(relative[seed]))
                for name, (mse, relative) in self._shifted.items() for seed in range(len(mse))]  # fmt: skip
        exports.write_rows(folder / "shift.csv", ("space", "seed", "mse", "relative L2"), rows)
