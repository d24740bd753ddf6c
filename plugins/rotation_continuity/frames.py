"""Frames and answers of the six experiments: what the worker process sends and the panel draws; numpy only.

Arrays have the representations in the order of `names` along their axis r, unless said otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int64

from workbench.sdk import Frame

TABLE_COLUMNS = ("mean", "median", "p99", "max", "std", "outliers", "degenerate")
"""Columns of every `table`: angles in degrees or lengths in cm, `outliers` the share above 90 degrees (NaN for
lengths), `degenerate` the number of test codes for which a decoder needed its fallback."""


@dataclass(frozen=True)
class ErrorsFrame(Frame):
    """How well each representation does on the test set; base of the training experiments' frames.

    percentiles holds the error at 0, 1, ... 100 percent over all seeds; table follows TABLE_COLUMNS; seed_means
    is the mean error of each seed. Errors are degrees (cm for kinematics). `evaluated` is the step of this look.
    """

    step: int
    evaluated: int
    tested: int
    names: tuple[str, ...]
    percentiles: Float[np.ndarray, "r 101"]
    percentile_cases: Int64[np.ndarray, "r 101"]
    table: Float[np.ndarray, "r 7"]
    seed_means: Float[np.ndarray, "r s"]
    worst_cases: Int64[np.ndarray, "r w"]
    worst_errors: Float[np.ndarray, "r w"]


@dataclass(frozen=True)
class SanityFrame(ErrorsFrame):
    """Errors of the sanity test and one rotation that every network is asked for.

    cases (k,) are test indices of the points drawn in the scatter and the ball: their rotation vectors (axis times
    angle, radians), angles (degrees) and errors. `orthogonality` and `determinant` are the worst over the test
    set, of what the networks put out in training.
    """

    cases: Int64[np.ndarray, " k"]
    ball: Float[np.ndarray, "k 3"]
    angles: Float[np.ndarray, " k"]
    errors: Float[np.ndarray, "r k"]
    orthogonality: Float[np.ndarray, " r"]
    determinant: Float[np.ndarray, "r 2"]
    truth: Float[np.ndarray, "3 3"]
    predicted: Float[np.ndarray, "r 3 3"]


@dataclass(frozen=True)
class CaseAnswer:
    """What every network makes of one rotation: test case `index` or, for -1, one that a person gave.

    errors are degrees.
    """

    index: int
    names: tuple[str, ...]
    truth: Float[np.ndarray, "3 3"]
    predicted: Float[np.ndarray, "r 3 3"]
    errors: Float[np.ndarray, " r"]


@dataclass(frozen=True)
class CloudAnswer(CaseAnswer):
    """The same for point clouds: `second` = truth @ first (+ shift)."""

    first: Float[np.ndarray, "n 3"]
    second: Float[np.ndarray, "n 3"]


@dataclass(frozen=True)
class CloudsFrame(SanityFrame):
    """Errors of the point-cloud test and its first pair: `second` = truth @ first (+ shift).

    symmetry is the ratio of the two closest second moments of a nearly symmetric shape, or 0 where there is none.
    """

    first: Float[np.ndarray, "n 3"]
    second: Float[np.ndarray, "n 3"]
    symmetry: float


@dataclass(frozen=True)
class KinematicsFrame(ErrorsFrame):
    """Errors of inverse kinematics (cm, a pose's mean over its joints) and a clip to play.

    positions are metres with the root at the origin, y up; `parents` has -1 for the root.
    """

    joints: tuple[str, ...]
    parents: Int64[np.ndarray, " j"]
    frame_time: float
    clip: Float[np.ndarray, "f j 3"]
    predicted: Float[np.ndarray, "r f j 3"]
    clip_errors: Float[np.ndarray, "r f"]


@dataclass(frozen=True)
class PoseAnswer:
    """What every network makes of one pose: joint positions (metres, root at the origin) and errors in cm.

    rotations are the local rotations of the true pose, to be handed back when a drag goes on.
    """

    names: tuple[str, ...]
    rotations: Float[np.ndarray, "j 3 3"]
    truth: Float[np.ndarray, "j 3"]
    predicted: Float[np.ndarray, "r j 3"]
    errors: Float[np.ndarray, " r"]


@dataclass(frozen=True)
class LoopAnswer:
    """Errors along the loop t -> exp(t axis) base, t in [0, 2 pi].

    error (degrees); lifts is the inner product of the true and the network's unit quaternion, NaN for
    representations without a lift; tears lists for each representation the t of its refined tears, and
    tear_errors the error found there (degrees). closest is the smallest raw code length on the loop.
    """

    names: tuple[str, ...]
    axis: Float[np.ndarray, " 3"]
    base: Float[np.ndarray, "3 3"]
    t: Float[np.ndarray, " k"]
    ball: Float[np.ndarray, "k 3"]
    error: Float[np.ndarray, "r k"]
    lifts: Float[np.ndarray, "r k"]
    tears: tuple[Float[np.ndarray, " n"], ...]
    tear_errors: tuple[Float[np.ndarray, " n"], ...]
    tear_rotations: tuple[Float[np.ndarray, "n 3 3"], ...]


@dataclass(frozen=True)
class SurfaceAnswer:
    """Tear points found so far: rotation vectors (radians) and errors (degrees) for each representation.

    worst is the largest error met on the sampled loops, also where nothing tears.
    """

    names: tuple[str, ...]
    loops: int
    total: int
    points: tuple[Float[np.ndarray, "n 3"], ...]
    errors: tuple[Float[np.ndarray, " n"], ...]
    worst: Float[np.ndarray, " r"]
    torn_loops: Int64[np.ndarray, " r"]


@dataclass(frozen=True)
class TearFrame(SanityFrame):
    """Errors of the dissected networks, and the loop about z from the identity as a first example."""

    loop: LoopAnswer


@dataclass(frozen=True)
class SpecialOrthogonalFrame(ErrorsFrame):
    """Errors of the SO(n) autoencoder (degrees of geodesic distance), and what the construction guarantees.

    dimensions: rows n = 2..6, columns in the order of `sized_names`; orthogonality and determinant over the test set.
    """

    n: int
    sized_names: tuple[str, ...]
    dimensions: Int64[np.ndarray, "5 d"]
    orthogonality: Float[np.ndarray, " r"]
    determinant: Float[np.ndarray, "r 2"]
    truth: Float[np.ndarray, "n n"]
    predicted: Float[np.ndarray, "r n n"]


@dataclass(frozen=True)
class PathAnswer:
    """Codes along a path of rotations, resampled so that no step turns by more than half a degree.

    codes has the representations' codes side by side, `widths` columns each; jumps marks steps in which the code
    moved by more than 0.2 although the rotation turned by less than one degree; speed is |dg| per radian. Where
    the path closes, gaps is how far a code ends from its start if at each rotation, of all codes that decode to
    it, the one nearest to the code before is taken: 0 where the code closes with the path. It is NaN where the path
    does not close, or where codes run into the end of their range (tanh) and cannot be followed.
    """

    names: tuple[str, ...]
    widths: tuple[int, ...]
    travelled: Float[np.ndarray, " n"]
    rotations: Float[np.ndarray, "n 3 3"]
    ball: Float[np.ndarray, "n 3"]
    codes: Float[np.ndarray, "n d"]
    jumps: Bool[np.ndarray, "r n"]
    speed: Float[np.ndarray, "r n"]
    gaps: Float[np.ndarray, " r"]
    is_closed: bool


@dataclass(frozen=True)
class CodesAnswer:
    """One rotation in every representation."""

    names: tuple[str, ...]
    codes: tuple[Float[np.ndarray, " d"], ...]


@dataclass(frozen=True)
class ContinuityFrame(Frame):
    """The path so far, and the two-dimensional case beside it.

    planar_angle is the turn travelled as an angle in [0, 2 pi), which jumps; planar_point its cosine and sine,
    which do not. Both follow `path.travelled`.
    """

    step: int
    total: int
    path: PathAnswer
    planar_angle: Float[np.ndarray, " n"]
    planar_point: Float[np.ndarray, "n 2"]
