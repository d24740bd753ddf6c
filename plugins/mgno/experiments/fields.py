"""Experiment "fields": MgNO and the models it is compared with learn coefficient -> solution on the same batches."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from plugins.mgno import exports
from plugins.mgno.contract import FROM_FILES, FieldParameters
from plugins.mgno.data import FieldSet, draw_coefficient, load_sets, true_solution
from plugins.mgno.experiments.inspecting import cycle_record, smoother_symbols
from plugins.mgno.experiments.side_by_side import SideBySide
from plugins.mgno.frames import CycleAnswer, FieldAnswer, FieldFrame, ResolutionAnswer, SymbolAnswer
from plugins.mgno.model import HelmholtzMgNO, MgNO, Normaliser, level_sizes
from plugins.mgno.networks import LOSSES, build_model
from workbench.sdk import Context, Metrics, Progress, UserError, action
from workbench.toolkit.elliptic import conjugate_gradient_residuals, darcy_residual
from workbench.toolkit.field_losses import relative_h1, relative_l2
from workbench.toolkit.field_models import parameter_count

CHUNK = 8
"""Samples evaluated between two messages."""
MOST_MODELS = 4
CG_STEPS = 400
RESOLUTION_SAMPLES = 8
UNET_DIVIDES = 16
"""The U-Net's coarsest grid is so many times coarser."""
NORMALISED = {
    "darcy_smooth": ("pixelwise", "pixelwise"), "darcy_multiscale": ("global", "global"),
    "darcy_rough": ("none", "global"), "helmholtz": ("global", "global"), "pipe": ("none", "none"),
    "file": ("global", "global"),
}  # fmt: skip
"""How the released code scales inputs and outputs for each set."""


class Fields(SideBySide[FieldParameters, FieldFrame]):
    """Several networks, one data set, one order of batches."""

    def __init__(self, parameters: FieldParameters, context: Context) -> None:
        super().__init__(parameters, context)
        self.order = torch.empty(0, dtype=torch.int64)
        self.position = 0
        self._seen: tuple[int, Float[np.ndarray, "k s"], Float[np.ndarray, "k s"]] | None = None
        self.train_errors = np.full(len(parameters.models), np.nan)

    def prepare(self) -> Iterator[Progress]:
        """Solve the training and test problems (or read them), then build the networks for their grid."""
        own, device = self.parameters, self.context.device
        for said in load_sets(own, self.data_seed, self.context.cache):
            if isinstance(said, Progress):
                yield said
            else:
                self._train, self._test = said[0].to(device), said[1].to(device)
        self._n = self._train.inputs.shape[-1]
        released, outputs = NORMALISED[own.dataset]
        inputs = released if own.scaling == "released" else own.scaling
        self._encode = Normaliser(self._train.inputs, inputs)  # type: ignore[arg-type]
        self._decode = Normaliser(self._train.outputs, outputs)  # type: ignore[arg-type]
        self._made_for = self.data_seed
        if not self.networks:  # a resumed run brings its own
            yield Progress("Building the networks")
            self._build()
        yield from self._evaluate()
        with torch.no_grad():
            self.frame()

    def _build(self) -> None:
        own = self.parameters
        if "unet" in own.models and own.batch == 1 and self._n < 2 * UNET_DIVIDES:
            raise UserError(
                f"The U-Net's coarsest grid would be one point, and its batch norm needs more than one value: take a "
                f"batch of 2, or {2 * UNET_DIVIDES} points a side."
            )
        for name in own.models:
            self.enter(
                partial(build_model, name, own, self._n, self._train.inputs.shape[1]), decay=own.weight_decay,
                rate=own.fno_learning_rate if name == "fno" else own.learning_rate, steps=own.steps,
            )  # fmt: skip

    # Training

    def run(self) -> Iterator[Metrics | Progress]:
        """One batch a step, through every network in turn."""
        own, loss_of = self.parameters, LOSSES[self.parameters.loss]
        if self._made_for != self.data_seed:
            yield from self.prepare()
        while self.step < own.steps:
            picked = self._next_batch()
            a, u = self._train.inputs[picked], self._train.outputs[picked]
            metrics: dict[str, Any] = {}
            for index, (name, network) in enumerate(zip(own.models, self.networks, strict=True)):
                network.train()
                predicted = self._decode.decode(network(self._encode.encode(a)))
                loss = loss_of(predicted, u).sum()
                self.learn(index, loss)
                error = relative_l2(predicted.detach(), u).mean()
                metrics[f"loss/{name}"] = loss.detach() / len(picked)
                metrics[f"train/{name}"] = error
                if index < len(own.models) - 1:
                    yield Progress("")
            self.step += 1
            if self.step % own.evaluate_every == 0 or self.step >= own.steps:
                yield from self._evaluate()
                metrics |= self._test_metrics()
            yield metrics

    def _next_batch(self) -> Tensor:
        total, batch = len(self._train.inputs), self.parameters.batch
        if self.position + batch > len(self.order):
            self.order = torch.randperm(total, generator=self.context.generator, device=self.context.device)
            self.position = 0
        picked = self.order[self.position : self.position + batch]
        self.position += batch
        return picked

    @torch.no_grad()
    def predict_set(self, network: nn.Module, inputs: Float[Tensor, "b 1 n n"]) -> Float[Tensor, "b 1 n n"]:
        """Outputs of one network in units of the solution."""
        network.eval()
        return self._decode.decode(network(self._encode.encode(inputs)))

    def _evaluate(self) -> Iterator[Progress]:
        l2, h1 = [], []
        for network in self.networks:
            own_l2, own_h1 = [], []
            for begun in range(0, len(self._test.inputs), CHUNK):
                part = slice(begun, begun + CHUNK)
                predicted, truth = self.predict_set(network, self._test.inputs[part]), self._test.outputs[part]
                own_l2.append(relative_l2(predicted, truth))
                own_h1.append(relative_h1(predicted, truth, cut=None))
                yield Progress("Looking at the test set", begun / len(self._test.inputs))
            l2.append(torch.cat(own_l2).cpu().numpy())
            h1.append(torch.cat(own_h1).cpu().numpy())
        self._seen = self.step, np.stack(l2), np.stack(h1)

    def _test_metrics(self) -> dict[str, float]:
        assert self._seen is not None
        found = {}
        for name, l2, h1 in zip(self.parameters.models, *self._seen[1:], strict=True):
            found |= {f"test/{name}": float(l2.mean()), f"test_h1/{name}": float(h1.mean())}
        return found

    def errors(self, data: str = "test") -> dict[str, tuple[float, float]]:
        """Mean relative L2 and H1 of every model over a set ("test" or "train"), for claims."""
        own = self._test if data == "test" else self._train
        found = {}
        for name, network in zip(self.parameters.models, self.networks, strict=True):
            pairs = [
                (relative_l2(p, u), relative_h1(p, u, cut=None))
                for a, u in zip(own.inputs.split(CHUNK), own.outputs.split(CHUNK), strict=True)
                for p in [self.predict_set(network, a)]
            ]
            found[name] = tuple(float(torch.cat(column).mean()) for column in zip(*pairs, strict=True))
        return found  # type: ignore[return-value]

    # Asking

    def _coefficient(self, values: np.ndarray) -> Float[np.ndarray, "n n"]:
        values = np.asarray(values, np.float64)
        if values.shape != (self._n, self._n) or not np.isfinite(values).all():
            raise UserError(f"A coefficient here is {self._n} × {self._n} finite numbers.")
        return values

    def _given(self, values: np.ndarray) -> Float[Tensor, "1 c n n"]:
        """What the networks read for a picture: itself, or for a mesh all channels of the problem that it shows."""
        picture = torch.as_tensor(self._coefficient(values), dtype=torch.float32, device=self.context.device)
        if self._test.inputs.shape[1] == 1:
            return picture[None, None]
        same = torch.nonzero((self._test.inputs[:, -1] == picture).flatten(1).all(1))
        if not len(same):
            raise UserError("A mesh cannot be painted: choose a test problem.")
        return self._test.inputs[same[0]]

    def _answer(
        self, a: Float[Tensor, "1 c n n"], gains: Sequence[float] | None = None, truth: np.ndarray | None = None
    ) -> FieldAnswer:
        encoded = self._encode.encode(a)
        predictions, times = [], []
        with torch.no_grad():
            for network in self.networks:
                network.eval()
                began = time.perf_counter()
                if gains is not None and isinstance(network, (MgNO, HelmholtzMgNO)):
                    made = network(encoded, gains=[float(gain) for gain in gains])
                else:
                    made = network(encoded)
                predictions.append(self._decode.decode(made)[0, 0].cpu().numpy())
                times.append(1e3 * (time.perf_counter() - began))
        return FieldAnswer(a[0, -1].cpu().numpy(), np.stack(predictions), truth, tuple(times))

    @action
    def predict(self, values: np.ndarray, gains: Sequence[float] | None = None) -> FieldAnswer:
        """What every model makes of a coefficient; `gains` scale what each level of MgNO's cycles gets from below."""
        return self._answer(self._given(values), gains)

    @action
    def solve(self, values: np.ndarray, gains: Sequence[float] | None = None) -> FieldAnswer:
        """The same with the true solution, residuals, and what each prediction saves conjugate gradients."""
        a = self._coefficient(values)
        if not self._is_solvable:
            raise UserError("The equation behind a file is not known, so there is no true solver for it.")
        began = time.perf_counter()
        truth = true_solution(self.parameters, a)
        milliseconds = 1e3 * (time.perf_counter() - began)
        found = self._answer(self._given(a), gains, truth.astype(np.float32))
        residuals: tuple[float, ...] = ()
        iterations = None
        if self._is_darcy:
            predictions = [own.astype(np.float64) for own in found.predictions]
            residuals = tuple(darcy_residual(a, own) for own in predictions)
            curves = [conjugate_gradient_residuals(a, start, CG_STEPS) for start in (np.zeros_like(a), *predictions)]
            iterations = np.full((len(curves), max(map(len, curves))), np.nan)
            for row, curve in zip(iterations, curves, strict=True):
                row[: len(curve)] = curve
        return FieldAnswer(found.input, found.predictions, found.truth, found.milliseconds, milliseconds, residuals,
                           iterations)  # fmt: skip

    @property
    def _is_darcy(self) -> bool:
        return self.parameters.dataset.startswith("darcy")

    @property
    def _is_solvable(self) -> bool:
        return self.parameters.dataset not in FROM_FILES

    @action
    def case(self, number: int, gains: Sequence[float] | None = None) -> FieldAnswer:
        """One of the test problems, with its solution."""
        index = int(number) % len(self._test.inputs)
        truth = self._test.outputs[index, 0].cpu().numpy()
        return self._answer(self._test.inputs[index : index + 1], gains, truth)

    @action
    def draw(self, seed: int, tau: float) -> np.ndarray:
        """A new coefficient; the same seed and another tau is the same draw, smoother or rougher."""
        if not self._is_solvable:
            raise UserError("New coefficients cannot be drawn for a file.")
        return draw_coefficient(self.parameters, self._n, int(seed), tau=float(tau))

    @action
    def receptive(self, values: np.ndarray, row: int, column: int, model: int = 0) -> np.ndarray:
        """Derivative of one output pixel by every input pixel."""
        a = self._given(values)
        network = self.networks[int(model) % len(self.networks)].eval()
        row, column = (int(np.clip(place, 0, self._n - 1)) for place in (row, column))
        with torch.enable_grad():
            a = a.clone().requires_grad_(True)
            value = self._decode.decode(network(self._encode.encode(a)))[0, 0, row, column]
            (slope,) = torch.autograd.grad(value, a)
        return slope[0, -1].cpu().numpy()

    def _mgno(self) -> MgNO | HelmholtzMgNO:
        for network in self.networks:
            if isinstance(network, (MgNO, HelmholtzMgNO)):
                return network
        raise UserError("Choose MgNO among the models to look into its V-cycles.")

    @action
    def cycle(self, values: np.ndarray, layer: int = 0, channel: int = -1) -> CycleAnswer:
        """Every moment of one V-cycle for a coefficient: u and f on each level; channel -1 is the rms of channels."""
        return cycle_record(self._mgno(), self._encode.encode(self._given(values)), int(layer), int(channel))

    @action
    def symbols(self, layer: int = 0) -> SymbolAnswer:
        """Fourier symbols of the learnt smoothers of one layer, beside damped Jacobi's."""
        return smoother_symbols(self._mgno(), int(layer))

    @action
    def resolutions(self) -> Iterator[Progress | ResolutionAnswer]:
        """Errors on the same few problems at n/2, n and 2n."""
        if not self._is_solvable:
            raise UserError("Other grids need the true solver, which a file does not have.")
        sizes = [size for size in (self._n // 2, self._n, 2 * self._n) if size >= 16]
        errors = np.full((len(self.networks), len(sizes)), np.nan)
        refused: dict[str, str] = {}
        for column, size in enumerate(sizes):
            totals = np.zeros(len(self.networks))
            for sample in range(RESOLUTION_SAMPLES):
                a = draw_coefficient(self.parameters, size, 77_000_000 + sample)
                u = torch.as_tensor(true_solution(self.parameters, a), dtype=torch.float32)[None, None]
                given = torch.as_tensor(a, dtype=torch.float32)[None, None]
                for row, (name, network) in enumerate(zip(self.parameters.models, self.networks, strict=True)):
                    if isinstance(network, HelmholtzMgNO) and size != self._n:
                        refused[name] = "LayerNorm ties this variant to the grid it was trained on."
                        totals[row] = np.nan
                        continue
                    with torch.no_grad():
                        predicted = self.predict_set(network, given.to(self.context.device)).cpu()
                    totals[row] += float(relative_l2(predicted, u)[0])
                yield Progress(f"Solving at {size} × {size}", (column + sample / RESOLUTION_SAMPLES) / len(sizes))
            errors[:, column] = totals / RESOLUTION_SAMPLES
        return ResolutionAnswer(tuple(sizes), tuple(self.parameters.models), errors, refused)

    # Showing

    def frame(self) -> FieldFrame:
        """Draw the first test case and the errors of the last look at the test set."""
        own = self.parameters
        answer = self.case(0)
        nothing = np.full((len(self.networks), len(self._test.inputs)), np.nan)
        l2, h1 = self._seen[1:] if self._seen is not None else (nothing, nothing)
        shown = self._train.inputs[:, -1]
        limits = shown.min(), shown.max()
        has_phases = own.dataset in ("darcy_rough", "darcy_smooth")
        is_helmholtz = own.dataset == "helmholtz"
        return FieldFrame(
            step=self.step, models=tuple(own.models), dataset=own.dataset, answer=answer, case=0, errors=l2,
            h1_errors=h1, train_errors=self.train_errors,
            parameters=tuple(parameter_count(network) for network in self.networks),
            input_label={"helmholtz": "c", "pipe": "y"}.get(own.dataset, "a"), output_label="u",
            levels=tuple(level_sizes(self._n, own.levels, 0 if is_helmholtz else 1)),
            is_darcy=self._is_darcy, phases=(own.high, own.low) if has_phases else None,
            limits=(float(limits[0]), float(limits[1])),
        )  # fmt: skip

    def save_artefacts(self, folder: Path) -> None:
        """Write the test problems with every model's answers, and the table of errors."""
        answers = {
            name: torch.cat([self.predict_set(network, part) for part in self._test.inputs.split(CHUNK)])[:, 0]
            for name, network in zip(self.parameters.models, self.networks, strict=True)
        }
        exports.write_fields(folder, self._test, answers)
        counts = dict(zip(self.parameters.models, map(parameter_count, self.networks), strict=True))
        exports.write_table(folder / "errors.csv", self.errors(), counts)


def as_set(inputs: np.ndarray, outputs: np.ndarray) -> FieldSet:
    """Pairs (b, n, n) as a set."""
    return FieldSet(*(torch.as_tensor(own, dtype=torch.float32)[:, None] for own in (inputs, outputs)))
