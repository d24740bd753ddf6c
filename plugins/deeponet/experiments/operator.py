"""Experiment "operator": train one DeepONet, and ask it about any input while it learns."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from plugins.deeponet import exports
from plugins.deeponet.contract import OperatorParameters, numbers
from plugins.deeponet.data import Triples, make_triples, points_of, trimmed_mse
from plugins.deeponet.experiments.asking import (
    card_of,
    fed_through,
    interpolation_loss,
    operator_bound,
    relative,
    worst_ascent,
)
from plugins.deeponet.frames import OperatorFrame, Response
from plugins.deeponet.model import DeepONet
from plugins.deeponet.problems import Problem, build_problem
from workbench.sdk import Context, Experiment, Metrics, Progress, UserError, action
from workbench.toolkit.field_models import parameter_count

CASES = 24
SNAPSHOTS = 40
CHUNK = 25_000
"""Triples evaluated at once."""
SHOWN_BASIS = 12
BEYOND = 0.2
"""Share of the interval past its end up to which the network is asked, to show that it knows nothing there."""
LINEAR_PROBLEMS = (
    "antiderivative", "legendre", "advection_1", "advection_2", "advection_diffusion", "caputo", "caputo_orders",
)  # fmt: skip
FIRST_LOOKS = (1, 2, 5, 10, 20, 50)
"""Steps at which the test set is looked at beside every n-th one, so that the curves have a beginning."""
TEST_SEED, CASE_SEED = 500_000, 900_000


def sensor_places(own: OperatorParameters, problem: Problem, seed: int) -> Float[np.ndarray, " m"]:
    """Sensor positions in the input's interval, ascending, clamped to it. Raises UserError for an empty list."""
    start, end = problem.space.start, problem.space.end
    if own.layout == "random":
        shares = np.sort(np.random.default_rng(seed).random(own.sensors))
    elif own.layout == "dragged":
        try:
            shares = np.sort(np.clip(numbers(own.positions, "dragged sensors", -10, 10), 0, 1))
        except ValueError as error:
            raise UserError(f"{error}.") from None
        if not 1 <= len(shares) <= 200:
            raise UserError("Dragged sensors need between 1 and 200 positions.")
    else:
        shares = np.linspace(0, 1, own.sensors) if own.sensors > 1 else np.array([0.5])
    return start + shares * (end - start)


class Operator(Experiment[OperatorParameters, OperatorFrame]):
    """One DeepONet learns one operator from triples."""

    def __init__(self, parameters: OperatorParameters, context: Context) -> None:
        super().__init__(parameters, context)
        own = parameters
        self._problem = build_problem(own)
        self.data_seed = context.seed
        """Decides the data; a resumed run makes those of its own seed again."""
        self._made_for: int | None = None
        self._places = sensor_places(own, self._problem, context.seed)
        self.network = DeepONet(
            len(self._places), self._problem.dimensions, width=own.width, basis=own.basis,
            branch_depth=own.branch_depth, trunk_depth=own.trunk_depth, stacked=own.stacked, bias=own.bias,
            activation=own.activation, seeds=(context.seed,),
        ).to(context.device)  # fmt: skip
        self.optimizer = torch.optim.Adam(self.network.parameters(), lr=own.learning_rate)
        self.snapshots: list[Tensor] = []
        self.snapshot_steps: list[int] = []
        self.best_train, self.best_test = float("inf"), float("nan")
        self.numbers: dict[str, float] = {}
        self._basis: tuple[tuple[int, int], Tensor] | None = None

    def prepare(self) -> Iterator[Progress]:
        """Draw functions and solve for them."""
        own, seed = self.parameters, self.data_seed
        self._places = sensor_places(own, self._problem, seed)
        points = points_of(self._problem, own.points)
        is_aligned = own.pairing == "aligned"
        if is_aligned and not own.points:
            points = min(100, len(self._problem.locations))
        functions = max(2, own.triples // points)
        for said in make_triples(own, self._places, functions, points, seed, self.context.cache, shared=is_aligned):
            if isinstance(said, Progress):
                yield said
            else:
                self._train = said
        tests = max(2, own.test_triples // points_of(self._problem, own.points))
        for said in make_triples(
            own, self._places, tests, points_of(self._problem, own.points), TEST_SEED + seed, self.context.cache,
            purpose="test",
        ):  # fmt: skip
            if isinstance(said, Progress):
                yield said
            else:
                self._test = said
        self._points = points
        rng = np.random.default_rng(CASE_SEED + seed)
        self._cases = self._problem.space.sample(CASES, rng)
        truth = self._problem.solve(self._cases)
        # The first case is the one of the most typical size, since it stands for all at first sight.
        size = np.nan_to_num(np.linalg.norm(truth.reshape(CASES, -1), axis=1), nan=0.0, posinf=0.0)
        order = np.argsort(np.abs(size - np.sqrt(np.mean(size**2))))
        self._cases, self._case_truth = self._cases[order], truth[order]
        yield Progress("Reading the sensors")
        self._train, self._test = self._noisy(self._train, rng), self._noisy(self._test, rng)
        self._made_for = seed
        if not self.snapshots:
            self._keep()
        with torch.no_grad():
            self.frame()  # the first one pays for what is loaded lazily; later ones are a few milliseconds

    def _noisy(self, data: Triples, rng: np.random.Generator) -> Triples:
        sensors = data.sensors
        if self.parameters.noise:
            drawn = torch.from_numpy(rng.standard_normal(sensors.shape).astype(np.float32))
            sensors = sensors + self.parameters.noise * sensors.std() * drawn
        return Triples(sensors, data.index, data.y, data.s, data.lost).to(self.context.device)

    def parameters_changed(self, names: frozenset[str]) -> None:
        """Take over a new step size at once."""
        for group in self.optimizer.param_groups:
            group["lr"] = self.parameters.learning_rate

    # Training

    def run(self) -> Iterator[Metrics | Progress]:
        """Adam on the mean squared error over triples; a look at the test set now and then."""
        if self._made_for != self.data_seed:
            yield from self.prepare()
        while self.step < self.parameters.steps:
            loss = self._loss()
            self.optimizer.zero_grad(set_to_none=True)
            loss.backward()
            self.optimizer.step()
            self.step += 1
            metrics: dict[str, Any] = {"loss": loss.detach()}
            steps = self.parameters.steps
            if self.step % max(1, steps // SNAPSHOTS) == 0:
                self._keep()
            if self.step % self.parameters.evaluate_every == 0 or self.step in FIRST_LOOKS or self.step >= steps:
                yield from self._evaluate()
                metrics |= {name: self.numbers[name] for name in ("mse/train", "mse/test", "mse/trimmed", "ratio")}
            yield metrics

    def _loss(self) -> Tensor:
        """Mean squared error of a batch: of rows of an aligned set, or of triples."""
        data, own = self._train, self.parameters
        if own.pairing == "aligned":
            rows = len(data.s) // self._points
            values = data.s.view(rows, self._points)
            functions = data.index.view(rows, self._points)[:, 0]
            count = max(1, own.batch // self._points) if own.batch else rows
            if count < rows:
                picked = torch.randint(rows, (count,), generator=self.context.generator, device=values.device)
                functions, values = functions[picked], values[picked]
            y = data.y[: self._points][None]
            return (self.network.aligned(data.sensors[functions][None], y)[0] - values).square().mean()
        if own.batch and own.batch < len(data):
            picked = torch.randint(len(data), (own.batch,), generator=self.context.generator, device=data.s.device)
            value = self.network(data.sensors[data.index[picked]][None], data.y[picked][None])[0]
            return (value - data.s[picked]).square().mean()
        return (self._all(data, slice(None)) - data.s).square().mean()

    def _all(self, data: Triples, part: slice) -> Tensor:
        """Network's values for many triples: each function goes through the branch once."""
        b = self.network.branch(data.sensors[None])[0]
        value = (b[data.index[part]] * self.network.trunk(data.y[part][None])[0]).sum(-1)
        return value if self.network.b0 is None else value + self.network.b0[0]

    @torch.no_grad()
    def _squared(self, data: Triples) -> Iterator[Progress | Tensor]:
        found = []
        for begun in range(0, len(data), CHUNK):
            part = slice(begun, begun + CHUNK)
            own = data if len(data) <= CHUNK else Triples(data.sensors, data.index, data.y, data.s)
            if len(data.sensors) > CHUNK:  # one location a function: read only what is needed
                value = self.network(data.sensors[data.index[part]][None], data.y[part][None])[0]
            else:
                value = self._all(own, part)
            found.append((value - data.s[part]).square())
            if begun:
                yield Progress("Looking at the test set", min(1.0, begun / len(data)))
        yield torch.cat(found)

    def _evaluate(self) -> Iterator[Progress]:
        squared = {}
        for name, data in (("train", self._train), ("test", self._test)):
            for said in self._squared(data):
                if isinstance(said, Progress):
                    yield said
                else:
                    squared[name] = said
        train, test = float(squared["train"].mean()), float(squared["test"].mean())
        trimmed = float(trimmed_mse(squared["test"][None])[0])
        if train < self.best_train:
            self.best_train, self.best_test = train, test
        self.numbers = {
            "mse/train": train, "mse/test": test, "mse/trimmed": trimmed, "ratio": test / max(train, 1e-30),
            "var(s)": float(self._test.s.var()), "largest": float(squared["test"].max().sqrt()),
            "relative": float((squared["test"].sum() / self._test.s.square().sum()).sqrt()),
            "best test": self.best_test,
        }  # fmt: skip
        if self.parameters.problem in LINEAR_PROBLEMS:
            self.numbers["linearity"] = self._linearity()

    @torch.no_grad()
    def _linearity(self) -> float:
        """||G(u + v) - G(u) - G(v)|| / ||G(u + v)|| of the network over the cases: 0 for a linear operator."""
        u, v = (self._read(self._cases[part]) for part in (slice(0, 8), slice(8, 16)))
        y = self._locations()[None]
        both, one, other = (self.network.aligned(own[None], y)[0] for own in (u + v, u, v))
        return float((both - one - other).norm() / both.norm().clamp(min=1e-12))

    # Asking

    def _keep(self) -> None:
        self.snapshots.append(torch.nn.utils.parameters_to_vector(self.network.parameters()).detach().cpu().clone())
        self.snapshot_steps.append(self.step)

    def _locations(self) -> Float[Tensor, "q d"]:
        return torch.as_tensor(self._problem.locations, dtype=torch.float32, device=self.context.device)

    def _read(self, u: Float[np.ndarray, "b n"]) -> Float[Tensor, "b m"]:
        return torch.as_tensor(u @ self._problem.reader(self._places), dtype=torch.float32, device=self.context.device)

    def _at(self, snapshot: int) -> tuple[DeepONet, int]:
        """The network as it is, or as it was at a snapshot."""
        if not 0 <= snapshot < len(self.snapshots):
            return self.network, self.step
        own = self.parameters
        past = DeepONet(
            len(self._places), self._problem.dimensions, width=own.width, basis=own.basis,
            branch_depth=own.branch_depth, trunk_depth=own.trunk_depth, stacked=own.stacked, bias=own.bias,
            activation=own.activation, seeds=(0,),
        ).to(self.context.device)  # fmt: skip
        torch.nn.utils.vector_to_parameters(self.snapshots[snapshot].to(self.context.device), past.parameters())
        return past, self.snapshot_steps[snapshot]

    def _trunk(self, network: DeepONet, step: int) -> Float[Tensor, "q p"]:
        """Basis on the grid; kept until the weights change, since grids of fields are large."""
        key = (self.step, step)
        if self._basis is None or self._basis[0] != key:
            self._basis = key, network.trunk(self._locations()[None])[0]
        return self._basis[1]

    @torch.no_grad()
    def _respond(
        self, u: Float[np.ndarray, "1 n"], truth: np.ndarray | None, *, sensors: Sequence[float] | None = None,
        snapshot: int = -1,
    ) -> Response:  # fmt: skip
        began = time.perf_counter()
        problem, nodes = self._problem, self._problem.nodes
        network, step = self._at(snapshot)
        places = self._places if sensors is None else np.clip(np.sort(np.asarray(sensors, float)), nodes[0], nodes[-1])
        read = (u @ problem.reader(places))[0]
        fed = read if sensors is None else fed_through(places, read, self._places)
        b = network.branch(torch.as_tensor(fed, dtype=torch.float32, device=self.context.device)[None, None])[0, 0]
        basis = self._trunk(network, step)
        value = basis @ b if network.b0 is None else basis @ b + network.b0[0]
        prediction = value.cpu().numpy().reshape([len(axis) for axis in problem.axes])
        kappa = interpolation_loss(nodes, u[0], places, read)
        spread = (basis * b).square().mean(0).sqrt()
        outside = float(problem.space.process.mahalanobis(places, read))
        beyond_x = beyond = None
        if problem.dimensions == 1 and not problem.is_discrete:
            beyond_x = nodes[-1] + np.linspace(0, BEYOND, 41) * (nodes[-1] - nodes[0])
            past = network.trunk(torch.as_tensor(beyond_x, dtype=torch.float32, device=basis.device)[None, :, None])[0]
            beyond = (past @ b if network.b0 is None else past @ b + network.b0[0]).cpu().numpy()
        return Response(
            u=u[0].astype(np.float32), sensor_x=places, sensor_u=read, prediction=prediction,
            truth=None if truth is None else np.asarray(truth, np.float32), coefficients=b.cpu().numpy(),
            contributions=spread.cpu().numpy(), outside=outside,
            relative_l2=relative(prediction, truth), kappa=kappa,
            largest_error=float("nan") if truth is None else float(np.nanmax(np.abs(prediction - truth))),
            bound=operator_bound(problem, kappa), step=step, milliseconds=1e3 * (time.perf_counter() - began),
            beyond_x=beyond_x, beyond=beyond,
        )  # fmt: skip

    @action
    def respond(
        self, values: np.ndarray, sensors: Sequence[float] | None = None, snapshot: int = -1, solve: bool = True
    ) -> Response:
        """What the network (now, or at a snapshot) and the true solver say about a drawn input.

        `values` are equally spaced over the interval; `sensors` replace the trained positions: what they read, joined
        by straight lines, is what the trained positions then see.
        """
        if sensors is not None and not 1 <= len(sensors) <= 200:
            raise UserError("Between 1 and 200 sensors are needed.")
        u = self._problem.from_drawing(values)
        truth = self._problem.solve(u)[0] if solve else None
        return self._respond(u, truth, sensors=sensors, snapshot=snapshot)

    @action
    def case(self, number: int, sensors: Sequence[float] | None = None, snapshot: int = -1) -> Response:
        """The same for one of the test functions."""
        number = int(number) % CASES
        u = self._cases[number : number + 1]
        return self._respond(u, self._case_truth[number], sensors=sensors, snapshot=snapshot)

    @action
    def draw_input(self, kind: str, length_scale: float, seed: int) -> np.ndarray:
        """Values of a new input function on 201 points of the interval: from a space, or x, sin, x sin (held out)."""
        space = self._problem.space
        share = np.linspace(0, 1, 201)
        held_out = {
            "x": share, "sin": np.sin(np.pi * share), "sin2": np.sin(2 * np.pi * share),
            "xsin": share * np.sin(2 * np.pi * share), "zero": 0 * share, "one": 1 + 0 * share,
        }  # fmt: skip
        if kind in held_out:
            return held_out[kind]
        drawn = type(space)(kind, max(0.02, float(length_scale)), space.start, space.end, 201)
        return drawn.sample(1, np.random.default_rng(int(seed)))[0]

    @action
    def worst_input(self, values: np.ndarray, radius: float = 1.0, steps: int = 60) -> Iterator[Response]:
        """Climb the error from a drawn input, inside a ball of the training process; partial answers as it goes."""
        if not self._problem.is_ode:
            raise UserError("The worst input is found through a differentiable solver, which the three ODEs have.")
        start = self._problem.from_drawing(values)
        last = start
        for u in worst_ascent(self._problem, self.network, self._places, start, float(radius), int(steps)):
            last = u
            yield self._respond(u, self._problem.solve(u)[0])
        return self._respond(last, self._problem.solve(last)[0])

    # Showing

    def frame(self) -> OperatorFrame:
        """Draw the first test case, the basis that matters for it, and the numbers so far."""
        shown = self._respond(self._cases[:1], self._case_truth[0])
        basis = self._trunk(self.network, self.step)
        order = np.argsort(-shown.contributions)[:SHOWN_BASIS]
        line = basis[:, torch.as_tensor(order.copy(), device=basis.device)]
        if self._problem.dimensions == 2:  # along x in the middle of time
            line = line.view(len(self._problem.axes[0]), len(self._problem.axes[1]), -1)[:, -1]
        some = basis[:: max(1, len(basis) // 500)]
        return OperatorFrame(
            step=self.step, problem=card_of(self._problem), response=shown, case=0, cases=CASES,
            basis=line.T.cpu().numpy(), basis_x=self._problem.axes[0], basis_index=tuple(int(k) for k in order),
            singular_values=torch.linalg.svdvals(some.cpu().double()).numpy(), snapshots=tuple(self.snapshot_steps),
            numbers=dict(self.numbers), parameters=parameter_count(self.network),
            lost=self._train.lost + self._test.lost,
        )  # fmt: skip

    def test_errors(self) -> dict[str, float]:
        """Errors on the test set now, for claims."""
        for _ in self._evaluate():
            pass
        return dict(self.numbers)

    def save_artefacts(self, folder: Path) -> None:
        """Write triples, the cases with both answers, and how the weights are to be read."""
        exports.write_triples(folder / "test_triples.npz", self._test)
        answers = np.stack([self.case(number).prediction for number in range(CASES)])
        exports.write_cases(folder, self._problem, self._cases, self._case_truth, answers)
        exports.write_shapes(folder / "network.json", self.network, self._places, self.parameters)
