from dataclasses import dataclass
from typing import Literal

import numpy as np

from workbench.sdk import Frame, Parameters, Preset, choice, choices, file, param


class FitParameters(Parameters):
    steps: int = param(200, ge=1, le=100_000_000, unit="steps", help="Optimiser steps", live=True)
    learning_rate: float = param(0.05, gt=0, le=10, log=True, live=True, help="Step size of Adam")
    slope: float = param(2.0, ge=-5, le=5, help="Slope of the line", group="Data")
    noise: float = param(0.1, ge=0, le=1, help="Standard deviation of the noise", group="Data")
    pause: float = param(0.0, ge=0, le=60, unit="s", help="Time that each step sleeps", live=True)
    prepare_slices: int = param(0, ge=0, le=100_000, help="Slices of 10 ms that preparing takes")
    fault: Literal[
        "none",
        "nan",
        "exception",
        "segfault",
        "kill",
        "hang",
        "memory",
        "frame",
        "tensor frame",
        "construct",
        "unsavable",
    ] = choice("none", help="What goes wrong at step `fault_step`")
    fault_step: int = param(50, ge=0, help="Where it goes wrong")
    methods: tuple[Literal["a", "b"], ...] = choices(("a",), help="Any of two", at_least=1)
    data: str = file(help="A file", suffixes=(".csv",))

    presets = (
        Preset("quick", "Over in a moment.", {"steps": 20}),
        Preset("long", "Goes on for long.", {"steps": 100_000_000}, cost="for ever"),
    )


class CountParameters(Parameters):
    steps: int = param(20_000, ge=1, help="How far to count", unit="steps")


@dataclass(frozen=True)
class FitFrame(Frame):
    x: np.ndarray
    y: np.ndarray
    slope: float
    step: int
    draw: float
