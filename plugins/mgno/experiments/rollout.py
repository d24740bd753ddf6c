"""Experiment "rollout": Navier-Stokes, trained on a few steps, tested by going on from its own answers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from plugins.mgno import exports
from plugins.mgno.contract import RolloutParameters, smoothing_counts
from plugins.mgno.experiments.side_by_side import SideBySide, check_levels
from plugins.mgno.flows import QUARTER, load_sets, solved_from
from plugins.mgno.frames import RolloutFrame
from plugins.mgno.model import MgNO
from workbench.sdk import Context, Metrics, Progress, UserError, action
from workbench.toolkit.field_losses import radial_spectrum, relative_l2
from workbench.toolkit.field_models import FNO2d, parameter_count

WARM_UP, END, DECAY = 0.1, 50.0, 1e-5


class Rollout(SideBySide[RolloutParameters, RolloutFrame]):
    """The last `history` frames -> the next one, applied again and again."""

    def __init__(self, parameters: RolloutParameters, context: Context) -> None:
        super().__init__(parameters, context)
        if parameters.dataset == "generated":
            check_levels(parameters.n, parameters.levels)
        self._rolled: tuple[np.ndarray, np.ndarray] | None = None

    def prepare(self) -> Iterator[Progress]:
        """Solve flows from random vorticity (or read them), and build the networks for their grid."""
        own = self.parameters
        for said in load_sets(own, self.data_seed, self.context.cache):
            if isinstance(said, Progress):
                yield said
            else:
                self._train, self._test = (torch.as_tensor(flows, device=self.context.device) for flows in said)
        self._frames, self._n = self._train.shape[1] - 1, self._train.shape[-1]
        if self._starts < 1:
            raise UserError(
                f"{own.history} frames in and {own.unroll} out need flows of {own.history + own.unroll} frames; these "
                f"have {self._frames + 1}."
            )
        check_levels(self._n, own.levels)
        self._made_for = self.data_seed
        if not self.networks:  # a resumed run brings its own
            for name in own.models:
                self.enter(self._mgno if name == "mgno" else self._fno, rate=own.learning_rate, decay=DECAY,
                           steps=own.steps, warm_up=WARM_UP, end=END)  # fmt: skip
        truth, still = self._test[:, own.history :], self._test[:, own.history - 1 : -1]
        self._persistence = relative_l2(still.flatten(0, 1), truth.flatten(0, 1)).mean().item()
        yield from self._evaluate()

    @property
    def _starts(self) -> int:
        """First frames that a training window can have."""
        return self._frames + 2 - self.parameters.history - self.parameters.unroll

    def _mgno(self) -> nn.Module:
        own = self.parameters
        return MgNO(
            self._n, c_in=own.history, channels=own.channels, layers=own.layers, bias=True, padding_mode="circular",
            counts=smoothing_counts("1/0 2/0", own.levels), pointwise=False, norm=own.norm, residual=True,
        )  # fmt: skip

    def _fno(self) -> nn.Module:
        own = self.parameters
        return FNO2d(own.history, width=own.fno_width, modes=own.fno_modes, padding=0)

    def run(self) -> Iterator[Metrics | Progress]:
        """Random windows of the flows: frames in, and frames out on which every answer is the next input."""
        own = self.parameters
        if self._made_for != self.data_seed:
            yield from self.prepare()
        windows = self._train.shape[0] * self._starts
        along = torch.arange(own.history + own.unroll, device=self.context.device)
        while self.step < own.steps:
            picked = torch.randint(windows, (own.batch,), generator=self.context.generator, device=self.context.device)
            flow, start = picked // self._starts, picked % self._starts
            window = self._train[flow[:, None], start[:, None] + along]
            metrics: dict[str, Any] = {}
            for index, (name, network) in enumerate(zip(own.models, self.networks, strict=True)):
                answers, errors = window[:, : own.history], []
                for truth in window[:, own.history :].unbind(1):
                    answers = self._go_on(network, answers, 1)
                    errors.append(relative_l2(answers[:, -1], truth).mean())
                    if own.unroll > 1:
                        yield Progress("")
                loss = torch.stack(errors).mean()
                self.learn(index, loss)
                metrics[f"loss/{name}"] = loss.detach()
                yield Progress("")
            self.step += 1
            if self.step % own.evaluate_every == 0 or self.step >= own.steps:
                yield from self._evaluate()
                assert self._rolled is not None
                for name, one, errors in zip(own.models, self._one_step, self._rolled[1], strict=True):
                    metrics |= {f"one step/{name}": float(one), f"rollout/{name}": float(errors.mean())}
            yield metrics

    def _go_on(self, network: nn.Module, given: Float[Tensor, "b h n n"], frames: int) -> Float[Tensor, "b t n n"]:
        """The given frames and `frames` more, each from the last `history` ones."""
        flow = given
        for _ in range(frames):
            flow = torch.cat((flow, network(flow[:, -self.parameters.history :])), 1)
        return flow

    @torch.no_grad()
    def _evaluate(self) -> Iterator[Progress]:
        """Single steps from true frames, and whole flows from the given frames."""
        history = self.parameters.history
        rolled, ones = [], []
        for network in self.networks:
            flow, single = self._test[:, :history], []
            for frame in range(history, self._frames + 1):
                flow = self._go_on(network, flow, 1)
                one = network(self._test[:, frame - history : frame])
                single.append(relative_l2(one, self._test[:, frame : frame + 1]))
                yield Progress("Rolling out the test flows", frame / (self._frames + 1))
            rolled.append(flow)
            ones.append(float(torch.stack(single).mean()))
        self._one_step = ones
        errors = [[relative_l2(flow[:, t], self._test[:, t]).mean() for t in range(history, self._frames + 1)]
                  for flow in rolled]  # fmt: skip
        self._rolled = torch.stack(rolled).cpu().numpy(), torch.tensor(errors).numpy()

    def _frame_of(self, truth: Float[Tensor, "t n n"], predictions: Float[np.ndarray, "k t n n"]) -> RolloutFrame:
        own = self.parameters
        assert self._rolled is not None
        errors = np.concatenate([np.zeros((len(self.networks), own.history)), self._rolled[1]], 1)
        last = self._test[:, own.history - 1]
        still = [relative_l2(last, self._test[:, t]).mean().item() if t >= own.history else 0.0
                 for t in range(self._frames + 1)]  # fmt: skip
        spectra = [radial_spectrum(truth[-1]), *(radial_spectrum(torch.as_tensor(p[-1])) for p in predictions)]
        return RolloutFrame(
            step=self.step, models=tuple(own.models), truth=truth.cpu().numpy(), predictions=predictions, errors=errors,
            persistence=np.array(still), one_step=tuple(self._one_step), persistence_step=self._persistence,
            spectra=np.stack([spectrum.cpu().numpy() for spectrum in spectra]), given=own.history,
            flows=len(self._test), parameters=tuple(parameter_count(network) for network in self.networks),
        )  # fmt: skip

    def frame(self) -> RolloutFrame:
        """The first test flow."""
        return self.flow(0)

    @action
    def flow(self, number: int) -> RolloutFrame:
        """One of the test flows, as it is and as each model continues its first frames."""
        assert self._rolled is not None
        index = int(number) % len(self._test)
        return self._frame_of(self._test[index], self._rolled[0][:, index])

    @action
    def continue_from(self, vorticity: np.ndarray) -> Iterator[Progress | RolloutFrame]:
        """Go on from a painted vorticity: the true solver, and the models from as many of its frames as they read.

        For flows of a file there is no true solver: models that read one frame go on alone.
        """
        own = self.parameters
        start = np.asarray(vorticity, np.float64)
        if start.shape != (self._n, self._n) or not np.isfinite(start).all():
            raise UserError(f"A vorticity here is {self._n} × {self._n} finite numbers.")
        if own.dataset == "file" and own.history > 1:
            raise UserError(f"The models read {own.history} frames, and the equation behind a file is not known.")
        start = start - start.mean()
        truth = torch.full((self._frames + 1, self._n, self._n), float("nan"))
        truth[0] = torch.as_tensor(start)
        if own.dataset == "generated":
            per_frame = round(1 / QUARTER)
            for index, w in solved_from(own, torch.as_tensor(start)[None], self._frames):
                if index % per_frame == 0:
                    truth[index // per_frame] = w[0].float()
                yield Progress("The true solver goes on", index / (self._frames * per_frame))
        truth = truth.to(self.context.device)
        flows = []
        for network in self.networks:
            with torch.no_grad():
                made = self._go_on(network, truth[None, : own.history], self._frames + 1 - own.history)
            flows.append(made[0].cpu().numpy())
            yield Progress("The models go on")
        return self._frame_of(truth, np.stack(flows))

    def save_artefacts(self, folder: Path) -> None:
        """Write the first test flow as a film's frames, and errors by frame."""
        shown = self.frame()
        arrays = dict(zip(shown.models, shown.predictions, strict=True))
        np.savez_compressed(folder / "flow.npz", truth=shown.truth, **arrays)
        rows = [(name, t, float(error)) for name, errors in zip(shown.models, shown.errors, strict=True)
                for t, error in enumerate(errors)]  # fmt: skip
        exports.write_rows(folder / "errors.csv", ("model", "frame", "relative L2"), rows)
