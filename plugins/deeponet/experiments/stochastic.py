"""Experiment "stochastic": the input is a random process, by its Karhunen-Loeve modes; the output a mean or a path."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float

from plugins.deeponet import exports, stochastic
from plugins.deeponet.contract import STOCHASTIC, StochasticParameters
from plugins.deeponet.frames import StochasticFrame
from plugins.deeponet.model import DeepONet
from workbench.sdk import Context, Experiment, Metrics, Progress, action
from workbench.toolkit.data_cache import cached
from workbench.toolkit.random_functions import Kernel

FAN = 12
TEST_SEED = 40_000
RANGES = {"sode_mean": (1.0, 2.0), "sode_path": (1.0, 2.0), "spde_mean": (0.2, 2.0), "spde_path": (1.0, 2.0)}
TITLES = {
    "sode_mean": "y′ = k(t; ω) y:  E[y](t)", "sode_path": "y′ = k(t; ω) y:  paths y(t; ω)",
    "spde_mean": "(e^b s′)′ = −10:  E[s](x)", "spde_path": "(e^b s′)′ = −10:  paths s(x; ω)",
}  # fmt: skip


class Stochastic(Experiment[StochasticParameters, StochasticFrame]):
    """One DeepONet from kernels to means, or from kernels and dice to paths."""

    def __init__(self, parameters: StochasticParameters, context: Context) -> None:
        super().__init__(parameters, context)
        own = parameters
        self.data_seed = context.seed
        """Decides the data; a resumed run makes those of its own seed again."""
        self._made_for: int | None = None
        self._is_path = own.problem.endswith("path")
        self._dimensions = 1 + own.modes if self._is_path else 1
        self.network = DeepONet(
            own.modes * own.mode_points, self._dimensions, width=own.width, basis=own.width, seeds=(context.seed,)
        ).to(context.device)
        self.optimizer = torch.optim.Adam(self.network.parameters(), lr=own.learning_rate)
        self.numbers: dict[str, float] = {}
        self._x = np.linspace(0, 1, stochastic.NODES)

    @property
    def _kernel(self) -> Kernel:
        return "exponential" if self.parameters.problem == "sode_mean" else "rbf"

    def prepare(self) -> Iterator[Progress]:
        """Draw processes and solve."""
        own, device = self.parameters, self.context.device
        for name, count, seed in (
            ("train", own.kernels, self.data_seed), ("test", own.test_kernels, TEST_SEED + self.data_seed)
        ):  # fmt: skip
            key = {"problem": own.problem, "modes": own.modes, "points": own.mode_points, "count": count, "seed": seed,
                   "paths": own.monte_carlo if own.problem == "spde_mean" else 0, "version": 1}  # fmt: skip

            def make(count: int = count, seed: int = seed) -> Iterator[Progress | dict[str, np.ndarray]]:
                return self._solve(count, seed)

            for said in cached(self.context.cache, f"deeponet-{own.problem}", key, make):
                if isinstance(said, Progress):
                    yield said
                else:
                    parts = {part: torch.as_tensor(value, dtype=torch.float32) for part, value in said.items()}
                    setattr(self, f"_{name}", {part: value.to(device) for part, value in parts.items()})
        self._made_for = self.data_seed
        self._curves: np.ndarray | None = None
        yield from self._evaluate()
        with torch.no_grad():
            self.frame()

    def _solve(self, count: int, seed: int) -> Iterator[Progress | dict[str, np.ndarray]]:
        own, rng = self.parameters, np.random.default_rng(seed)
        low, high = RANGES[own.problem]
        scales = rng.uniform(low, high, count)
        xi = rng.standard_normal((count, own.modes))
        inputs = np.empty((count, own.modes * own.mode_points))
        outputs = np.empty((count, stochastic.NODES))
        for index, scale in enumerate(scales):
            shapes = stochastic.modes(self._kernel, float(scale), own.modes)
            inputs[index] = self._read(shapes)
            outputs[index] = self._truth(float(scale), shapes, xi[index], rng)
            if index % 10 == 0:
                yield Progress(f"Solving for processes: {index + 1} of {count}", (index + 1) / count)
        yield {"inputs": inputs, "xi": xi, "outputs": outputs, "scales": scales}

    def _read(self, shapes: Float[np.ndarray, "k n"]) -> Float[np.ndarray, " m"]:
        """Values of the modes at their own few points, one mode after the other."""
        places = np.linspace(0, 1, self.parameters.mode_points)
        return np.concatenate([np.interp(places, self._x, mode) for mode in shapes])

    def _truth(
        self, scale: float, shapes: Float[np.ndarray, "k n"], xi: Float[np.ndarray, " k"], rng: np.random.Generator
    ) -> Float[np.ndarray, " n"]:
        own = self.parameters
        if own.problem == "sode_mean":
            return stochastic.population_mean(scale, self._x)
        if own.problem == "spde_mean":
            return stochastic.diffusion_mean(scale, own.monte_carlo, rng)
        path = (xi @ shapes)[None]
        return (stochastic.population_path(path) if own.problem == "sode_path" else stochastic.diffusion_path(path))[0]

    # Training

    def run(self) -> Iterator[Metrics | Progress]:
        """Adam on the mean squared error over random (process, location) pairs."""
        if self._made_for != self.data_seed:
            yield from self.prepare()
        own, data = self.parameters, self._train
        count = len(data["inputs"])
        places = torch.as_tensor(self._x, dtype=torch.float32, device=self.context.device)
        # Only `points` locations of each process are known to the network.
        known = np.random.default_rng(self.data_seed + 1)
        chosen = torch.as_tensor(
            known.permuted(np.tile(np.arange(len(self._x)), (count, 1)), axis=1)[:, : own.points].copy()
        ).to(self.context.device)
        total = count * own.points
        while self.step < own.steps:
            if own.batch and own.batch < total:
                picked = torch.randint(total, (own.batch,), generator=self.context.generator,
                                       device=self.context.device)  # fmt: skip
            else:
                picked = torch.arange(total, device=self.context.device)
            process = picked // own.points
            column = chosen[process, picked % own.points]
            y = places[column][:, None]
            if self._is_path:
                y = torch.cat((data["xi"][process], y), 1)
            value = self.network(data["inputs"][process][None], y[None])[0]
            loss = (value - data["outputs"][process, column]).square().mean()
            self.optimizer.zero_grad(set_to_none=True)
            loss.backward()
            self.optimizer.step()
            self.step += 1
            metrics: dict[str, Any] = {"loss": loss.detach()}
            if self.step % own.evaluate_every == 0 or self.step >= own.steps:
                yield from self._evaluate()
                metrics |= {name: self.numbers[name] for name in ("mse/train", "mse/test", "relative")}
            yield metrics

    def parameters_changed(self, names: frozenset[str]) -> None:
        """Take over a new step size at once."""
        for group in self.optimizer.param_groups:
            group["lr"] = self.parameters.learning_rate

    @torch.no_grad()
    def _predict(self, inputs: torch.Tensor, xi: torch.Tensor) -> torch.Tensor:
        """Curves (b, n) for processes (b, m) and dice (b, k)."""
        x = torch.as_tensor(self._x, dtype=torch.float32, device=self.context.device)
        if not self._is_path:
            return self.network.aligned(inputs[None], x[None, :, None])[0]
        b, n = len(inputs), len(x)
        y = torch.cat((xi[:, None].expand(b, n, -1), x[None, :, None].expand(b, n, 1)), 2).reshape(1, b * n, -1)
        branch = self.network.branch(inputs[None])[0][:, None].expand(b, n, -1).reshape(b * n, -1)
        value = (branch * self.network.trunk(y)[0]).sum(-1)
        return (value if self.network.b0 is None else value + self.network.b0[0]).view(b, n)

    def _evaluate(self) -> Iterator[Progress]:
        found = {}
        for name, data in (("train", self._train), ("test", self._test)):
            count = min(400, len(data["inputs"]))
            answers = []
            for begun in range(0, count, 100):
                part = slice(begun, min(count, begun + 100))
                answers.append(self._predict(data["inputs"][part], data["xi"][part]))
                yield Progress("Looking at the test processes")
            error = (torch.cat(answers) - data["outputs"][:count]).square()
            found[f"mse/{name}"] = float(error.mean())
            if name == "test":
                scale = data["outputs"][:count].square().sum(1)
                curves = (error.sum(1) / scale).sqrt()
                found["relative"] = float(curves.mean())
                self._curves = curves.cpu().numpy()
        self.numbers = found

    # Asking and showing

    @action
    def at(self, length_scale: float, seed: int = 0) -> StochasticFrame:
        """Curves of one process: its mean, or a fan of paths for the same dice whatever the length scale."""
        own = self.parameters
        low, high = RANGES[own.problem]
        scale = float(np.clip(length_scale, 0.5 * low, 1.5 * high))
        shapes = stochastic.modes(self._kernel, scale, own.modes)
        rng = np.random.default_rng(int(seed))
        xi = rng.standard_normal((FAN if self._is_path else 1, own.modes))
        truth = np.stack([self._truth(scale, shapes, own_xi, np.random.default_rng(9)) for own_xi in xi])
        device = self.context.device
        inputs = torch.as_tensor(np.tile(self._read(shapes), (len(xi), 1)), dtype=torch.float32, device=device)
        answer = self._predict(inputs, torch.as_tensor(xi, dtype=torch.float32, device=device))
        nothing = np.full(len(self._test["scales"]), np.nan)
        return StochasticFrame(
            step=self.step, title=f"{STOCHASTIC[own.problem]}: {TITLES[own.problem]}", x=self._x, length_scale=scale,
            truth=truth, prediction=answer.cpu().numpy(), modes_x=self._x, modes=shapes,
            scales=self._test["scales"].cpu().numpy()[:400],
            errors=(nothing if self._curves is None else self._curves)[:400], numbers=dict(self.numbers),
            is_path=self._is_path,
        )  # fmt: skip

    def frame(self) -> StochasticFrame:
        """The middle of the range of length scales."""
        return self.at(float(np.mean(RANGES[self.parameters.problem])))

    def save_artefacts(self, folder: Path) -> None:
        """Write the error of every test process."""
        if self._curves is not None:
            rows = list(zip(self._test["scales"].tolist(), self._curves.tolist(), strict=False))
            exports.write_rows(folder / "processes.csv", ("length scale", "relative L2"), rows)
