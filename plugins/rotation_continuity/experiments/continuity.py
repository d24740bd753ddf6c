"""Continuity lab: every encoder along a path of rotations, without any training."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from plugins.rotation_continuity import exports
from plugins.rotation_continuity.contract import ContinuityParameters
from plugins.rotation_continuity.experiments.common import as_rotation
from plugins.rotation_continuity.frames import CodesAnswer, ContinuityFrame, PathAnswer
from plugins.rotation_continuity.paths import MAX_SAMPLES, encode_path, first_part, path_rotations, resampled
from plugins.rotation_continuity.representations import REPRESENTATIONS, discontinuity_index
from workbench.sdk import Context, Experiment, Metrics, Progress, UserError, action
from workbench.toolkit.rotations import rotation_vector_to_matrix

LONGEST_NAP = 0.1  # seconds; a slow pace still answers at once
PAIRS, PAIR_ANGLE = 2000, 1e-4  # of the discontinuity index


class Continuity(Experiment[ContinuityParameters, ContinuityFrame]):
    """Walks a path and counts where each code jumps although the rotation moves smoothly."""

    def __init__(self, parameters: ContinuityParameters, context: Context) -> None:
        super().__init__(parameters, context)
        self._representations = [REPRESENTATIONS[name] for name in parameters.representations]
        self.drawn = np.empty((0, 3, 3))
        self._path: PathAnswer | None = None

    def prepare(self) -> Iterator[Progress]:
        """Encode the chosen path."""
        yield Progress("Encoding the path")
        self._path = self._encoded()

    def _encoded(self) -> PathAnswer:
        own = self.parameters
        if len(self.drawn):
            return encode_path(self._representations, torch.from_numpy(self.drawn))
        return encode_path(self._representations, resampled(path_rotations(own.path, own.samples)))

    def _whole(self) -> PathAnswer:
        """The encoded path; made again where a restored run brings a drawn one."""
        if self._path is None or (len(self.drawn) and not np.allclose(self._path.rotations[-1], self.drawn[-1])):
            self._path = self._encoded()
        return self._path

    @property
    def total_steps(self) -> int:
        """One step for each rotation of the path."""
        return len(self._path.travelled) if self._path else self.parameters.samples

    def run(self) -> Iterator[Metrics | Progress]:
        """Walk the path at the chosen pace; each step says how often each code has jumped and how fast it moves."""
        path = self._whole()
        while self.step < len(path.travelled):
            self.step += 1
            here = self.step - 1
            counts = path.jumps[:, : self.step].sum(1)
            metrics: dict[str, Any] = {}
            for index, name in enumerate(path.names):
                metrics[f"jumps/{name}"] = float(counts[index])
                if here:
                    metrics[f"speed/{name}"] = float(path.speed[index, here])
            yield metrics
            if self.parameters.pace > 0:
                time.sleep(min(LONGEST_NAP, 1 / self.parameters.pace))

    def frame(self) -> ContinuityFrame:
        """Return the path walked so far; before the first step, all of it."""
        whole = self._whole()
        path = first_part(whole, self.step) if self.step > 1 else whole
        turned = np.radians(path.travelled)
        return ContinuityFrame(
            step=self.step,
            total=len(whole.travelled),
            path=path,
            planar_angle=np.mod(turned, 2 * np.pi).astype(np.float32),
            planar_point=np.stack([np.cos(turned), np.sin(turned)], -1).astype(np.float32),
        )

    @action
    def encode(self, matrix: np.ndarray) -> CodesAnswer:
        """Encode one rotation in every representation."""
        rotation = as_rotation(matrix).double()
        return CodesAnswer(
            names=tuple(own.name for own in self._representations),
            codes=tuple(own.encode(rotation).float().numpy() for own in self._representations),
        )

    @action
    def encode_path(self, matrices: np.ndarray) -> PathAnswer:
        """Encode a path that a person drew, with rotations filled in so that no step exceeds half a degree."""
        return encode_path(self._representations, _resampled(_checked_path(matrices)))

    @action(edits=True)
    def walk(self, matrices: np.ndarray) -> int:
        """Take a drawn path as the one to walk, from its start (an empty one: the preset again)."""
        self.drawn = _resampled(_checked_path(matrices)).numpy() if len(matrices) else np.empty((0, 3, 3))
        self.step = 0
        self._path = self._encoded()
        return len(self._path.travelled)

    @action
    def discontinuity(self, degrees: float = 180.0) -> dict[str, float]:
        """Largest |g(R') - g(R)| / angle(R, R') over 2000 pairs 1e-4 rad apart whose rotations turn by `degrees`."""
        generator = torch.Generator().manual_seed(0)
        axes = torch.nn.functional.normalize(torch.randn(2, PAIRS, 3, generator=generator, dtype=torch.float64), dim=-1)
        near = rotation_vector_to_matrix(axes[0] * (np.radians(degrees) - PAIR_ANGLE / 2))
        far = torch.cat(
            [
                rotation_vector_to_matrix(axes[0] * PAIR_ANGLE) @ near,
                rotation_vector_to_matrix(axes[1] * PAIR_ANGLE) @ near,
            ]
        )
        both = near.repeat(2, 1, 1)
        return {own.name: discontinuity_index(own, both, far, PAIR_ANGLE) for own in self._representations}

    def save_artefacts(self, folder: Path) -> None:
        """Write the path with every code: turn travelled, nine matrix entries, codes, one column each."""
        path = self._whole()
        header = ["travelled_degrees", *(f"r{row}{column}" for row in range(3) for column in range(3))]
        for name, width in zip(path.names, path.widths, strict=True):
            header += [f"{name}_{entry}" for entry in range(width)]
        columns = np.column_stack([path.travelled, path.rotations.reshape(-1, 9), path.codes])
        exports.write_rows(folder / "path.csv", header, columns)


def _checked_path(matrices: Any) -> Float[Tensor, "n 3 3"]:
    values = np.asarray(matrices, float)
    if values.ndim != 3 or not 2 <= len(values) <= MAX_SAMPLES:
        raise UserError(f"A path needs 2 to {MAX_SAMPLES} rotations.")
    return torch.stack([as_rotation(matrix) for matrix in values]).double()


def _resampled(rotations: Float[Tensor, "n 3 3"]) -> Float[Tensor, "m 3 3"]:
    try:
        return resampled(rotations)
    except ValueError as error:
        raise UserError(f"That cannot be walked: {error}.") from None
