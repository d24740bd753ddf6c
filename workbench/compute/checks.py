"""Checks that every experiment must pass; plugins call them in their tests."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from workbench.compute.building import build, prepared
from workbench.compute.checkpoint import read_checkpoint, restore_checkpoint, save_checkpoint
from workbench.compute.frames import FramePacer
from workbench.compute.metrics_buffer import MetricsBuffer
from workbench.compute.random_state import watching
from workbench.sdk import Experiment, MetricsBlock, Progress

ExperimentType = type[Experiment[Any, Any]]


def assert_watching_changes_nothing(
    experiment_type: ExperimentType,
    parameters: Mapping[str, Any],
    *,
    actions: Mapping[str, Mapping[str, Any]] | None = None,
    seed: int = 0,
) -> None:
    """Assert that a run with a frame and the given actions at every step has bit for bit the same metrics."""
    unwatched = build(experiment_type, parameters, seed=seed)
    expected = _metrics(unwatched)
    watched = build(experiment_type, parameters, seed=seed)
    pacer = FramePacer(watched, 0.9, lambda frame: None)

    def look() -> None:
        pacer.credits, pacer.is_stale = 1, True
        pacer._next = 0.0
        pacer.send_if_due()
        for name, arguments in (actions or {}).items():
            with watching(watched.context):
                answer = getattr(watched, name)(**arguments)
                if isinstance(answer, Iterator):
                    list(answer)

    _assert_equal(expected, _metrics(watched, look))


def assert_resuming_changes_nothing(
    experiment_type: ExperimentType,
    parameters: Mapping[str, Any],
    folder: Path,
    *,
    after: int | None = None,
    seed: int = 0,
) -> None:
    """Assert that a run saved half-way and taken up in a new experiment goes on bit for bit as if never stopped."""
    whole = _metrics(build(experiment_type, parameters, seed=seed))
    total = max(int(steps[-1]) for steps, _ in whole.series.values())
    half = total // 2 if after is None else after
    first = build(experiment_type, parameters, seed=seed)
    begun = _metrics(first, stop_at=half)
    file = folder / "checkpoint.pt"
    save_checkpoint(file, first, 0.0)
    second = prepared(build(experiment_type, parameters, seed=seed + 1))
    restore_checkpoint(second, read_checkpoint(file))
    rest = _metrics(second, prepare=False)
    joined = MetricsBlock(
        {
            name: tuple(  # type: ignore[misc]
                np.concatenate([block.series[name][index] for block in (begun, rest) if name in block.series])
                for index in (0, 1)
            )
            for name in whole.series
        }
    )
    _assert_equal(whole, joined)


def _metrics(
    experiment: Experiment[Any, Any], look: Any = None, stop_at: int | None = None, prepare: bool = True
) -> MetricsBlock:
    if prepare:
        prepared(experiment)
    buffer = MetricsBuffer()
    if look:
        look()
    for produced in experiment.run():
        if not isinstance(produced, Progress):
            buffer.add(experiment.step, produced)
        if look:
            look()
        if stop_at is not None and experiment.step >= stop_at and not isinstance(produced, Progress):
            break
    block = buffer.flush()
    assert block is not None, "the experiment yielded no metrics"
    return block


def _assert_equal(expected: MetricsBlock, found: MetricsBlock) -> None:
    assert expected.series.keys() == found.series.keys()
    for name, (steps, values) in expected.series.items():
        found_steps, found_values = found.series[name]
        assert np.array_equal(steps, found_steps), f"{name} was reported at other steps"
        differing = np.flatnonzero(~((values == found_values) | (np.isnan(values) & np.isnan(found_values))))
        assert len(differing) == 0, f"{name} differs first at step {steps[differing[0]]}"
