"""Experiment "multigrid": the network's V-cycle with textbook stencils, then unfrozen and trained."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from plugins.mgno import exports
from plugins.mgno.classical import (
    apply_stencil,
    classical_cycle,
    cycle_residuals,
    exact_solution,
    jacobi_residuals,
    mode_damping,
)
from plugins.mgno.contract import LabParameters
from plugins.mgno.frames import LabFrame
from workbench.sdk import Context, Experiment, Metrics, Progress, UserError, action

UNROLLED = 3
"""Cycles whose residual is trained: one alone would be free to leave behind what the next cannot remove."""
TEST_SOURCES = 4
MODES = 16
"""Fourier modes whose damping is shown."""


class MultigridLab(Experiment[LabParameters, LabFrame]):
    """One V-cycle on Poisson's equation; every stencil a weight that training may change."""

    def __init__(self, parameters: LabParameters, context: Context) -> None:
        super().__init__(parameters, context)
        own = parameters
        self.cycle = classical_cycle(int(own.n), own.relaxation, own.pre, own.post, own.coarse).to(context.device)
        self._textbook = copy.deepcopy(self.cycle)
        self._known: dict[str, tuple[int, float, np.ndarray]] = {}
        self.optimizer = torch.optim.Adam(self.cycle.parameters(), lr=own.learning_rate)

    def prepare(self) -> Iterator[Progress]:
        """Draw sources to test on."""
        n = int(self.parameters.n)
        rng = np.random.default_rng(1234)
        self._test = torch.as_tensor(rng.standard_normal((TEST_SOURCES, 1, n, n)), dtype=torch.float32)
        self._test = self._test.to(self.context.device)
        centre = (np.arange(n) + 1) / (n + 1)
        x, y = centre[None], centre[:, None]
        self._source = np.exp(-((x - 0.35) ** 2 + (y - 0.6) ** 2) / 0.01) - np.exp(
            -((x - 0.7) ** 2 + (y - 0.3) ** 2) / 0.02
        )
        yield Progress("Running the textbook's cycles")
        with torch.no_grad():
            self.frame()

    def run(self) -> Iterator[Metrics | Progress]:
        """Unfreeze: minimise the residual after three cycles on random right-hand sides."""
        own = self.parameters
        n = int(own.n)
        while self.step < own.steps:
            for group in self.optimizer.param_groups:
                group["lr"] = own.learning_rate
            f = torch.randn(own.batch, 1, n, n, generator=self.context.generator, device=self.context.device)
            r = f
            for _ in range(UNROLLED):
                r = r - apply_stencil(self.cycle(r))
            share = r.flatten(1).norm(dim=1) / f.flatten(1).norm(dim=1)
            loss = share.pow(1 / UNROLLED).mean()
            self.optimizer.zero_grad(set_to_none=True)
            loss.backward()
            self.optimizer.step()
            self.step += 1
            metrics: dict[str, Any] = {"loss": loss.detach()}
            if self.step % 10 == 0 or self.step >= own.steps:
                metrics["factor/trained"] = self.factor(self.cycle)
                metrics["factor/textbook"] = self.factor(self._textbook)
            yield metrics

    @torch.no_grad()
    def factor(self, cycle: Any, cycles: int = 8) -> float:
        """Mean factor by which a late cycle reduces the residual of random sources.

        The residual is scaled to norm 1 before every cycle, which the cycle does not notice, being linear: after a
        dozen good ones its squares would be too small for single precision.
        """
        r, shares = self._test, []
        for _ in range(cycles):
            r = r / r.flatten(1).norm(dim=1)[:, None, None, None]
            r = r - apply_stencil(cycle(r))
            shares.append(r.flatten(1).norm(dim=1))
        return float(torch.stack(shares[-4:]).log().mean().exp())

    @action
    def solve(self, source: np.ndarray) -> LabFrame:
        """Cycles on a painted source, textbook and trained."""
        n = int(self.parameters.n)
        source = np.asarray(source, float)
        if source.shape != (n, n) or not np.isfinite(source).all():
            raise UserError(f"A source here is {n} × {n} finite numbers.")
        return self._solve(source)

    @torch.no_grad()
    def _solve(self, source: Float[np.ndarray, "n n"]) -> LabFrame:
        own = self.parameters
        n = int(own.n)
        # In double precision, so that the curves end where the method does; on the CPU, since some devices lack it.
        f = torch.as_tensor(source / (n + 1) ** 2, dtype=torch.float64)[None, None]
        residuals, factors, modes = {}, {}, {}
        residuals["Jacobi alone"] = jacobi_residuals(f, own.relaxation, own.cycles)
        solution: Tensor = f
        k = np.unique(np.linspace(1, n, MODES).round().astype(np.int64))
        for name, cycle, step in (("textbook", self._textbook, 0), ("trained", self.cycle, self.step)):
            residuals[name], solution = cycle_residuals(copy.deepcopy(cycle).cpu().double(), f, own.cycles)
            if self._known.get(name, (-1,))[0] != step:
                self._known[name] = step, self.factor(cycle), mode_damping(cycle, n, k)
            _, factors[name], modes[name] = self._known[name]
        first = self.cycle.pre[0][0]
        later = self.cycle.post[0][0].A if len(self.cycle.post[0]) else self.cycle.residual_A[0]
        stencils = {"S": first.S.weight, "A": later.weight if hasattr(later, "weight") else later,
                    "R": self.cycle.R[0].weight, "RT": self.cycle.RT[0].weight}  # fmt: skip
        return LabFrame(
            step=self.step, source=source, solution=solution[0, 0].cpu().numpy(),
            exact=exact_solution(source / (n + 1) ** 2), residuals=residuals, factors=factors, modes=modes,
            wave_numbers=k,
            stencils={name: value[0, 0].detach().cpu().numpy().copy() for name, value in stencils.items()},
        )  # fmt: skip

    def frame(self) -> LabFrame:
        """Two blobs as the source."""
        return self._solve(self._source)

    def save_artefacts(self, folder: Path) -> None:
        """Write residuals by cycle."""
        shown = self.frame()
        rows = [
            (name, cycle, float(value)) for name, curve in shown.residuals.items() for cycle, value in enumerate(curve)
        ]
        exports.write_rows(folder / "residuals.csv", ("cycle kind", "cycle", "relative residual"), rows)
