"""Experiment "duel": the architectures that the paper compares, on the same data."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from plugins.deeponet import exports
from plugins.deeponet.contract import MODELS, DuelParameters
from plugins.deeponet.data import make_triples, points_of
from plugins.deeponet.experiments.operator import TEST_SEED
from plugins.deeponet.experiments.sweeping import Group, Stack, Sweep
from plugins.deeponet.frames import SweepFrame
from plugins.deeponet.model import FNN, DeepONet, ResNet, Seq2Seq
from plugins.deeponet.problems import build_problem
from workbench.sdk import Progress, UserError

SEQUENCE = 100
SEQUENCE_FUNCTIONS = 1000
SEQUENCE_BATCH = 100


class SequenceMembers(nn.Module):
    """Seq2Seq networks side by side; recurrences run one after the other."""

    def __init__(self, members: int, cell: str, seed: int) -> None:
        super().__init__()
        self.members = nn.ModuleList(Seq2Seq(SEQUENCE, cell=cell, seed=seed + index) for index in range(members))

    def forward(self, u: Float[Tensor, "s b m"], y: Tensor | None = None) -> Float[Tensor, "s b m"]:
        """Answers on the same points as u."""
        return torch.stack([member(own) for member, own in zip(self.members, u, strict=True)])


class Duel(Sweep[DuelParameters, SweepFrame]):
    """Every chosen architecture, several seeds each."""

    def prepare(self) -> Iterator[Progress]:
        """Make one data set for each seed, and the networks."""
        own = self.parameters
        self._problem = build_problem(own)
        space = self._problem.space
        places = np.linspace(space.start, space.end, own.sensors)
        points = points_of(self._problem, own.points)
        sets: dict[str, list] = {"train": [], "test": []}
        for member in range(own.seeds):
            seed = self.data_seed * 100 + member
            for name, first, total in (("train", seed, own.triples), ("test", TEST_SEED + seed, own.test_triples)):
                functions = max(2, total // points)
                for said in make_triples(own, places, functions, points, first, self.context.cache, purpose=name):
                    if isinstance(said, Progress):
                        yield said
                    else:
                        sets[name].append(said)
        device = self.context.device
        train, test = (Stack.of(sets[name], device) for name in ("train", "test"))
        yield Progress("Building the networks")
        groups = []
        for name in own.models:
            if name == "seq2seq":
                groups.append(self._sequence_group())
                continue
            network = self._network(name).to(device)
            members = torch.arange(own.seeds, device=device)
            limits = torch.tensor(train.count, device=device)
            groups.append(Group(name, network, train, test, members, limits))
        self.adopt(groups)
        yield from self.evaluate()
        self.warm()

    def _network(self, name: str) -> nn.Module:
        own, d = self.parameters, self._problem.dimensions
        seeds = [self.data_seed * 100 + member for member in range(own.seeds)]
        if name == "fnn":
            return FNN(own.sensors, d, width=own.fnn_width, depth=own.fnn_depth, activation=own.activation, seeds=seeds)
        if name == "resnet":
            return ResNet(own.sensors, d, activation=own.activation, seeds=seeds)
        return DeepONet(
            own.sensors, d, width=own.width, basis=own.basis, branch_depth=own.branch_depth,
            trunk_depth=own.trunk_depth, activation=own.activation, stacked=name.startswith("stacked"),
            bias=not name.endswith("plain"), seeds=seeds,
        )  # fmt: skip

    def _sequence_group(self) -> Group:
        """Whole curves: 1000 training functions on 100 points, as in the journal version."""
        problem, own = self._problem, self.parameters
        if problem.dimensions != 1 or problem.is_discrete:
            raise UserError("Seq2Seq says a curve on the input's own points: choose a problem with one variable.")
        device = self.context.device
        places = np.linspace(problem.space.start, problem.space.end, SEQUENCE)
        found = {}
        for name, offset in (("train", 0), ("test", TEST_SEED)):
            readings, answers = [], []
            for member in range(own.seeds):
                rng = np.random.default_rng(self.data_seed * 100 + member + offset + 7)
                u = problem.space.sample(SEQUENCE_FUNCTIONS, rng)
                s = problem.solve(u)
                good = np.isfinite(s).all(1) & (np.abs(s) < 1e6).all(1)
                axis = problem.axes[0]
                columns = np.clip(np.searchsorted(axis, places), 0, len(axis) - 1)
                keep = np.resize(np.flatnonzero(good), SEQUENCE_FUNCTIONS)
                readings.append(torch.as_tensor((u @ problem.reader(places))[keep], dtype=torch.float32))
                answers.append(torch.as_tensor(s[:, columns][keep], dtype=torch.float32))
            sensors, values = torch.stack(readings).to(device), torch.stack(answers).to(device)
            nothing = torch.zeros(own.seeds, SEQUENCE_FUNCTIONS, dtype=torch.int64, device=device)
            found[name] = Stack(sensors, nothing, values, values[..., 0], (SEQUENCE_FUNCTIONS,) * own.seeds)
        network = SequenceMembers(own.seeds, own.cell, self.data_seed * 100).to(device)
        members = torch.arange(own.seeds, device=device)
        limits = torch.full((own.seeds,), SEQUENCE_FUNCTIONS, device=device)
        return Group("seq2seq", network, found["train"], found["test"], members, limits)

    def losses(self, group: Group) -> Float[Tensor, " s"]:
        """Triples for most; whole curves for Seq2Seq."""
        if group.label != "seq2seq":
            return super().losses(group)
        picked = torch.randint(SEQUENCE_FUNCTIONS, (SEQUENCE_BATCH,), generator=self.context.generator,
                               device=self.context.device)  # fmt: skip
        return (group.network(group.train.sensors[:, picked]) - group.train.y[:, picked]).square().mean((1, 2))

    @torch.no_grad()
    def squared(self, group: Group, data: Stack, begun: int, size: int) -> Float[Tensor, "s b"]:
        """Squared errors; for Seq2Seq the mean over a curve counts as one."""
        if group.label != "seq2seq":
            return super().squared(group, data, begun, size)
        part = slice(begun, begun + size)
        return (group.network(data.sensors[:, part]) - data.y[:, part]).square().mean(2)

    def frame(self) -> SweepFrame:
        """Errors of all members."""
        labels = [group.label for group in self._groups]
        nothing = np.full(self.parameters.seeds, np.nan)

        def table(name: str) -> np.ndarray:
            return np.stack([self._found.get(label, {}).get(name, nothing) for label in labels])[:, None]

        return SweepFrame(
            step=self.step, title=self._problem.title, x_label="", labels=tuple(labels),
            x=np.zeros((len(labels), 1)), train=table("train"), test=table("test"), trimmed=table("trimmed"),
            variance=np.array([float(group.test.s.var()) for group in self._groups]),
            parameters=tuple(group.parameters for group in self._groups),
            milliseconds=tuple(1e3 * self._times.get(label, float("nan")) / group.members
                               for label, group in zip(labels, self._groups, strict=True)),
        )  # fmt: skip

    def save_artefacts(self, folder: Path) -> None:
        """Write the table of errors."""
        rows = [
            (MODELS[group.label], group.parameters, seed, *(float(self._found[group.label][name][seed])
             for name in ("train", "test", "trimmed")))
            for group in self._groups for seed in range(group.members)
        ]  # fmt: skip
        exports.write_rows(folder / "duel.csv", ("model", "parameters", "seed", "train", "test", "trimmed"), rows)
