"""Sweeps: one experiment over many parameters and seeds, here or on a Dask cluster. No Qt; torch in workers only."""

from workbench.sweeps.spec import Axis, Point, SweepSpec, points_of
from workbench.sweeps.store import PointState, Sweep, SweepStore

__all__ = ["Axis", "Point", "PointState", "Sweep", "SweepSpec", "SweepStore", "points_of"]
