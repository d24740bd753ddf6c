"""Experiment "rollout": Navier-Stokes, trained on single steps, tested by going on from its own answers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from plugins.mgno import exports
from plugins.mgno.contract import RolloutParameters, smoothing_counts
from plugins.mgno.frames import RolloutFrame
from plugins.mgno.model import MgNO, level_sizes
from plugins.mgno.networks import optimiser_of
from workbench.sdk import Context, Experiment, Metrics, Progress, UserError, action
from workbench.toolkit.data_cache import cached
from workbench.toolkit.field_losses import radial_spectrum, relative_l2
from workbench.toolkit.field_models import FNO2d, parameter_count
from workbench.toolkit.navier_stokes import NavierStokes, li_forcing
from workbench.toolkit.random_fields import periodic_field

ALPHA, TAU = 2.5, 7.0
SLICE, QUARTER = 8, 0.25
"""Flows solved together, and units of time, between two messages."""
TEST_SEED = 600_000
WARM_UP, END = 0.1, 50.0


class Rollout(Experiment[RolloutParameters, RolloutFrame]):
    """w(t) -> w(t + 1), applied again and again."""

    def __init__(self, parameters: RolloutParameters, context: Context) -> None:
        super().__init__(parameters, context)
        own = parameters
        try:
            level_sizes(own.n, own.levels)
        except ValueError as error:
            raise UserError(f"{str(error)[0].upper()}{str(error)[1:]}.") from None
        counts = smoothing_counts("1/0 2/0", own.levels)
        self.data_seed = context.seed
        """Decides the data; a resumed run makes those of its own seed again."""
        self._made_for: int | None = None
        self.networks: list[torch.nn.Module] = []
        self.optimizers: list[torch.optim.Optimizer] = []
        self.schedules: list[Any] = []
        for name in own.models:
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(context.seed)
                network: torch.nn.Module
                if name == "mgno":
                    network = MgNO(own.n, channels=own.channels, layers=own.layers, counts=counts, bias=True,
                                   padding_mode="circular", pointwise=False, norm=own.norm, residual=True)  # fmt: skip
                else:
                    network = FNO2d(width=own.fno_width, modes=own.fno_modes, padding=0)
            optimizer, schedule = optimiser_of(
                network.to(context.device), own.learning_rate, 1e-5, own.steps, WARM_UP, END
            )
            self.networks.append(network)
            self.optimizers.append(optimizer)
            self.schedules.append(schedule)
        self._rolled: tuple[np.ndarray, np.ndarray] | None = None

    def prepare(self) -> Iterator[Progress]:
        """Solve flows from random vorticity."""
        own = self.parameters
        for name, count, seed in (
            ("train", own.trajectories, self.data_seed), ("test", own.test, TEST_SEED + self.data_seed)
        ):  # fmt: skip
            key = {"n": own.n, "viscosity": own.viscosity, "count": count, "seed": seed, "frames": own.frames,
                   "time_step": own.time_step, "version": 1}  # fmt: skip

            def make(
                count: int = count, seed: int = seed, name: str = name
            ) -> Iterator[Progress | dict[str, np.ndarray]]:
                return self._solve(count, seed, name)

            for said in cached(self.context.cache, "mgno-navier-stokes", key, make):
                if isinstance(said, Progress):
                    yield said
                else:
                    flows = torch.as_tensor(said["flows"], device=self.context.device)
                    setattr(self, f"_{name}", flows)
        self._made_for = self.data_seed
        truth, first = self._test[:, 1:], self._test[:, :-1]
        self._persistence = relative_l2(first.flatten(0, 1), truth.flatten(0, 1)).mean().item()
        yield from self._evaluate()

    def _solve(self, count: int, seed: int, purpose: str) -> Iterator[Progress | dict[str, np.ndarray]]:
        own, rng = self.parameters, np.random.default_rng(seed)
        solver = NavierStokes(own.n, own.viscosity, own.time_step)
        start = torch.as_tensor(periodic_field(own.n, count, ALPHA, TAU, rng))
        forcing = li_forcing(own.n)
        flows = np.empty((count, own.frames + 1, own.n, own.n), np.float32)
        per_frame = round(1 / QUARTER)
        for begun in range(0, count, SLICE):
            part = slice(begun, min(begun + SLICE, count))
            flows[part, 0] = start[part].numpy()
            for index, w in enumerate(solver.solve(start[part], forcing, own.frames * per_frame, QUARTER), 1):
                if index % per_frame == 0:
                    flows[part, index // per_frame] = w.numpy()
                share = (begun + (part.stop - begun) * index / (own.frames * per_frame)) / count
                yield Progress(f"Solving {purpose} flows: {begun} to {part.stop} of {count}", share)
        bad = np.flatnonzero(~np.isfinite(flows).all((1, 2, 3)))
        if len(bad):
            raise UserError(f"Flow {bad[0]} blew up in the true solver: lower its time step.")
        yield {"flows": flows}

    def run(self) -> Iterator[Metrics | Progress]:
        """Random pairs of consecutive frames."""
        own = self.parameters
        if self._made_for != self.data_seed:
            yield from self.prepare()
        pairs = self._train.shape[0] * own.frames
        while self.step < own.steps:
            picked = torch.randint(pairs, (own.batch,), generator=self.context.generator, device=self.context.device)
            flow, frame = picked // own.frames, picked % own.frames
            before, after = self._train[flow, frame][:, None], self._train[flow, frame + 1][:, None]
            metrics: dict[str, Any] = {}
            for index, (name, network) in enumerate(zip(own.models, self.networks, strict=True)):
                loss = relative_l2(network(before), after).mean()
                self.optimizers[index].zero_grad(set_to_none=True)
                loss.backward()
                self.optimizers[index].step()
                self.schedules[index].step()
                metrics[f"loss/{name}"] = loss.detach()
                yield Progress("")
            self.step += 1
            if self.step % own.evaluate_every == 0 or self.step >= own.steps:
                yield from self._evaluate()
                assert self._rolled is not None
                for name, one, errors in zip(own.models, self._one_step, self._rolled[1], strict=True):
                    metrics |= {f"one step/{name}": float(one), f"rollout/{name}": float(errors.mean())}
            yield metrics

    def _evaluate(self) -> Iterator[Progress]:
        """Single steps from true frames, and whole flows from the first frame."""
        own = self.parameters
        rolled, ones = [], []
        for network in self.networks:
            answers = [self._test[:, :1]]
            single = []
            for frame in range(own.frames):
                with torch.no_grad():
                    answers.append(network(answers[-1]))
                    single.append(
                        relative_l2(network(self._test[:, frame : frame + 1]), self._test[:, frame + 1 : frame + 2])
                    )
                yield Progress("Rolling out the test flows", frame / own.frames)
            rolled.append(torch.cat(answers, 1))
            ones.append(float(torch.stack(single).mean()))
        self._one_step = ones
        flows = torch.stack(rolled)
        errors = torch.stack([
            torch.stack([relative_l2(own_flow[:, t : t + 1], self._test[:, t : t + 1]).mean()
                         for t in range(1, own.frames + 1)]) for own_flow in flows
        ])  # fmt: skip
        self._rolled = flows.cpu().numpy(), errors.cpu().numpy()

    def _frame_of(self, truth: Float[Tensor, "t n n"], predictions: Float[np.ndarray, "k t n n"]) -> RolloutFrame:
        own = self.parameters
        assert self._rolled is not None
        errors = np.concatenate([np.zeros((len(self.networks), 1)), self._rolled[1]], 1)
        still = [relative_l2(self._test[:, :1], self._test[:, t : t + 1]).mean().item() for t in range(own.frames + 1)]
        spectra = [radial_spectrum(truth[-1]), *(radial_spectrum(torch.as_tensor(p[-1])) for p in predictions)]
        return RolloutFrame(
            step=self.step, models=tuple(own.models), truth=truth.cpu().numpy(), predictions=predictions, errors=errors,
            persistence=np.array(still), one_step=tuple(self._one_step), persistence_step=self._persistence,
            spectra=np.stack([spectrum.cpu().numpy() for spectrum in spectra]),
            parameters=tuple(parameter_count(network) for network in self.networks),
        )  # fmt: skip

    def frame(self) -> RolloutFrame:
        """The first test flow."""
        return self.flow(0)

    @action
    def flow(self, number: int) -> RolloutFrame:
        """One of the test flows, as it is and as each model continues its first frame."""
        assert self._rolled is not None
        index = int(number) % len(self._test)
        return self._frame_of(self._test[index], self._rolled[0][:, index])

    @action
    def continue_from(self, vorticity: np.ndarray) -> Iterator[Progress | RolloutFrame]:
        """Go on from a painted vorticity: the models at once, the true solver as it gets there."""
        own = self.parameters
        start = np.asarray(vorticity, np.float64)
        if start.shape != (own.n, own.n) or not np.isfinite(start).all():
            raise UserError(f"A vorticity here is {own.n} × {own.n} finite numbers.")
        start = start - start.mean()
        first = torch.as_tensor(start, dtype=torch.float32, device=self.context.device)[None, None]
        flows = []
        for network in self.networks:
            answers = [first]
            with torch.no_grad():
                for _ in range(own.frames):
                    answers.append(network(answers[-1]))
            flows.append(torch.cat(answers, 1)[0].cpu().numpy())
            yield Progress("The models go on")
        truth = torch.full((own.frames + 1, own.n, own.n), float("nan"))
        truth[0] = first[0, 0].cpu()
        solver = NavierStokes(own.n, own.viscosity, own.time_step)
        per_frame = round(1 / QUARTER)
        steps = solver.solve(torch.as_tensor(start)[None], li_forcing(own.n), own.frames * per_frame, QUARTER)
        for index, w in enumerate(steps, 1):
            if index % per_frame == 0:
                truth[index // per_frame] = w[0].float()
            yield Progress("The true solver goes on", index / (own.frames * per_frame))
        return self._frame_of(truth.to(self.context.device), np.stack(flows))

    def save_artefacts(self, folder: Path) -> None:
        """Write the first test flow as a film's frames, and errors by frame."""
        shown = self.frame()
        arrays = dict(zip(shown.models, shown.predictions, strict=True))
        np.savez_compressed(folder / "flow.npz", truth=shown.truth, **arrays)
        rows = [(name, t, float(error)) for name, errors in zip(shown.models, shown.errors, strict=True)
                for t, error in enumerate(errors)]  # fmt: skip
        exports.write_rows(folder / "errors.csv", ("model", "frame", "relative L2"), rows)
