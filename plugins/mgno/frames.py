"""What the experiments show and answer: frozen dataclasses of numpy arrays. Fields are rows y upwards, columns x."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float

from workbench.sdk import Frame

Field = Float[np.ndarray, "n n"]


@dataclass(frozen=True)
class FieldAnswer:
    """What the models (and the true solver, where asked) make of one coefficient."""

    input: Field
    predictions: Float[np.ndarray, "k n n"]
    truth: Field | None
    milliseconds: tuple[float, ...]
    solver_ms: float = float("nan")
    residuals: tuple[float, ...] = ()
    """||A u - f|| / ||f|| of each prediction, under the true operator."""
    iterations: Float[np.ndarray, "s i"] | None = None
    """Residuals of conjugate gradients from zero and from each prediction, NaN after convergence."""


@dataclass(frozen=True)
class FieldFrame(Frame):
    """Experiment "fields"."""

    step: int
    models: tuple[str, ...]
    dataset: str
    answer: FieldAnswer
    case: int
    errors: Float[np.ndarray, "k s"]
    h1_errors: Float[np.ndarray, "k s"]
    train_errors: Float[np.ndarray, " k"]
    parameters: tuple[int, ...]
    input_label: str
    output_label: str
    levels: tuple[int, ...]
    """Grid sizes of the MgNO's levels."""
    is_darcy: bool
    phases: tuple[float, float] | None
    limits: tuple[float, float]


@dataclass(frozen=True)
class CycleAnswer:
    """One V-cycle taken apart: for each moment its level, stage, and one channel and the norm of u and f."""

    layer: int
    levels: tuple[int, ...]
    stages: tuple[str, ...]
    u: tuple[Field, ...]
    f: tuple[Field, ...]
    channels: int


@dataclass(frozen=True)
class SymbolAnswer:
    """Spectral radius of I - S^(t) A^(t) over frequencies, for each smoothing of a layer's cycle, and Jacobi's."""

    names: tuple[str, ...]
    radius: Float[np.ndarray, "k m m"]
    jacobi: Float[np.ndarray, "m m"]


@dataclass(frozen=True)
class ResolutionAnswer:
    """Relative L2 errors of every model at several grids, mean over a few problems."""

    sizes: tuple[int, ...]
    models: tuple[str, ...]
    errors: Float[np.ndarray, "k r"]
    refused: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class LabFrame(Frame):
    """Experiment "multigrid"."""

    step: int
    source: Field
    solution: Field
    exact: Field
    residuals: dict[str, Float[np.ndarray, " c"]]
    factors: dict[str, float]
    modes: dict[str, Float[np.ndarray, " k"]]
    """Damping of the diagonal Fourier modes (k, k) in one cycle, k the wave numbers."""
    wave_numbers: np.ndarray
    stencils: dict[str, Float[np.ndarray, "3 3"]]


@dataclass(frozen=True)
class BoundaryFrame(Frame):
    """Experiment "boundary": rows are boundary conditions, columns paddings."""

    step: int
    errors: Float[np.ndarray, "3 3"]
    source: Float[np.ndarray, "3 n n"]
    truth: Float[np.ndarray, "3 n n"]
    prediction: Float[np.ndarray, "3 3 n n"]
    parameters: int


@dataclass(frozen=True)
class RolloutFrame(Frame):
    """Experiment "rollout": one test flow, as it is and as the models continue its first frame."""

    step: int
    models: tuple[str, ...]
    truth: Float[np.ndarray, "t n n"]
    predictions: Float[np.ndarray, "k t n n"]
    errors: Float[np.ndarray, "k t"]
    """Mean relative L2 over the test flows, by frame."""
    persistence: Float[np.ndarray, " t"]
    one_step: tuple[float, ...]
    persistence_step: float
    spectra: Float[np.ndarray, "m k"]
    given: int
    """True frames that the models begin with."""
    flows: int
    """Flows of the test set."""
    parameters: tuple[int, ...]
