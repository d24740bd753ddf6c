"""`workbench run`: training in this process, without Qt; figures are drawn by a second process without torch."""

from __future__ import annotations

import multiprocessing
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from workbench.cli import parse_settings
from workbench.cli.targets import find_experiment
from workbench.runs import Settings, folders
from workbench.runs.archive import pack_run
from workbench.sdk import Experiment, MetricsHistory, Parameters, UserError

if TYPE_CHECKING:
    from workbench.compute.recording import Recorder


def make_parameters(
    parameters_type: type[Parameters], settings: list[str], steps: int | None
) -> tuple[Parameters, int | None]:
    """Return the parameters with `--set` and `--steps` applied, and the limit that is left for the runner.

    An experiment with a parameter `steps` is told the number, so that its schedules fit; any other is cut off.
    Raises InvalidParameters.
    """
    values: dict[str, Any] = parse_settings(settings)
    has_steps = "steps" in parameters_type.model_fields
    if steps is not None and has_steps:
        values.setdefault("steps", steps)
    return parameters_type.checked(values), None if has_steps else steps


def run(
    target: str,
    settings: list[str],
    steps: int | None,
    seed: int,
    device: str,
    export: Path | None,
    save: Path | None,
    figures: bool,
    quiet: bool,
) -> None:
    """Train, record, export; print where everything is."""
    entry, card = find_experiment(target)
    parameters, limit = make_parameters(entry.parameters_type(card.id), settings, steps)
    from workbench.compute.building import build
    from workbench.compute.entry import worker_threads
    from workbench.compute.runner import Tick, recorded_run
    from workbench.compute.warm_up import warm_up

    warm_up(worker_threads(Settings.load().worker_threads))
    experiment = build(entry.experiment_type(card.id), parameters, seed=seed, device=device)
    console = Console(stderr=True, quiet=quiet)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[numbers]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(f"{entry.card.short}: {card.title}", total=limit or experiment.total_steps, numbers="")

        def show(tick: Tick) -> None:
            losses = (
                []
                if tick.block is None
                else [
                    f"{name} {values[-1]:.4g}"
                    for name, (_, values) in tick.block.series.items()
                    if name.startswith("loss")
                ]
            )
            text = tick.progress.text if tick.progress else ", ".join(losses[:3])
            bar.update(task, completed=tick.step, numbers=f"step {tick.step}  {text}")

        history, recorder = recorded_run(
            experiment, entry.card.id, card.id, folders().make().runs, max_steps=limit, tick=show
        )
    print(f"recorded in {recorder.folder.path}")
    if export is not None:
        _export(export, experiment, history, recorder, figures)
    if save is not None:
        try:
            pack_run(recorder.folder, save, export)
        except OSError as error:
            raise UserError(f"{save} cannot be written: {error.strerror or error}.") from None
        print(f"saved as {save}")


def _export(
    export: Path, experiment: Experiment[Any, Any], history: MetricsHistory, recorder: Recorder, figures: bool
) -> None:
    from workbench.compute.recording import export_run

    record = recorder.record.model_dump()
    names = export_run(export, experiment, history, record)
    if figures:
        names += _draw(recorder.folder.path, export)
    print(f"exported to {export}: {', '.join(names)}")


def _draw(run_folder: Path, export: Path) -> list[str]:
    """Draw the figures in a process of its own; say on stderr why if it cannot be done."""
    from workbench.cli.figures import draw_figures

    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=draw_figures, args=(run_folder, export, theirs))
    process.start()
    theirs.close()
    try:
        names, problem = ours.recv()
    except EOFError:
        names, problem = [], "the drawing process ended early; `workbench doctor` may say why"
    process.join()
    if problem:
        print(f"workbench: figures were left out: {problem}", file=sys.stderr)
    return list(names)
