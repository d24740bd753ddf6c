"""The command line: the same engine without a window. Each command imports what it needs when it is called."""

from __future__ import annotations

import sys
import traceback
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from workbench import __version__
from workbench.sdk import InvalidParameters, UserError

app = typer.Typer(
    name="workbench",
    help="Deep-learning papers as live panels. Without a command, the window opens.",
    no_args_is_help=False,
    add_completion=False,
    pretty_exceptions_enable=False,
)

Settings = Annotated[list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Set a parameter; repeatable.")]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda:0, ... or mps")]


class UsageProblem(UserError):
    """Arguments that cannot be used: exit code 2."""


def main(arguments: list[str]) -> int:
    """Run a command; return 0 when done, 1 when it failed (one line why), 2 for unusable arguments."""
    debug = "--debug" in arguments
    try:
        result = app([item for item in arguments if item != "--debug"], standalone_mode=False)
        return result if isinstance(result, int) else 0
    except typer.Exit as leaving:
        return leaving.exit_code
    except (typer.Abort, KeyboardInterrupt):
        print("stopped", file=sys.stderr)
        return 1
    except (UsageProblem, InvalidParameters) as problem:
        print(f"workbench: {problem}", file=sys.stderr)
        return 2
    except Exception as problem:
        if hasattr(problem, "show") and hasattr(problem, "exit_code"):  # typer's own refusals of arguments
            problem.show()
            return 2
        if debug:
            traceback.print_exc()
        text = str(problem).strip().splitlines()
        reason = text[0] if text else type(problem).__name__
        kind = "" if isinstance(problem, UserError) else f"{type(problem).__name__}: "
        print(f"workbench: {kind}{reason}", file=sys.stderr)
        return 1


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"workbench {__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def _root(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", callback=_show_version, is_eager=True)] = False,
) -> None:
    if context.invoked_subcommand is None:
        from workbench.app.application import run_app

        raise typer.Exit(run_app())


@app.command("list")
def list_plugins(as_json: Annotated[bool, typer.Option("--json", help="Machine-readable.")] = False) -> None:
    """List the papers, their experiments and their claims."""
    from workbench.cli import listing

    listing.show(as_json)


@app.command()
def run(
    target: Annotated[str, typer.Argument(metavar="PLUGIN[/EXPERIMENT]")],
    set_: Settings = None,
    steps: Annotated[
        int | None, typer.Option(min=1, help="Steps to do instead of the experiment's own number.")
    ] = None,
    seed: int = 0,
    device: Device = "auto",
    export: Annotated[Path | None, typer.Option(help="Folder for run.json, metrics, weights, figures, data.")] = None,
    save: Annotated[Path | None, typer.Option(help="One file (.workbench-run) that opens in the window.")] = None,
    figures: Annotated[bool, typer.Option(help="Draw the panel's figures into the export.")] = True,
    quiet: bool = False,
) -> None:
    """Train an experiment without a window, record the run, and export it."""
    from workbench.cli import running

    running.run(target, set_ or [], steps, seed, device, export, save, figures, quiet)


@app.command()
def reproduce(
    plugins: Annotated[list[str] | None, typer.Argument(metavar="[PLUGIN ...]")] = None,
    claim: Annotated[list[str] | None, typer.Option(help="Only this claim; repeatable.")] = None,
    scale: Annotated[str, typer.Option(help="laptop or paper")] = "laptop",
    seeds: Annotated[int | None, typer.Option(min=1, help="Number of seeds, instead of the claim's own.")] = None,
    device: Device = "cpu",
    report: Annotated[Path | None, typer.Option(help="Write .md, .html or .json.")] = None,
    record: Annotated[bool, typer.Option(help="Keep the results as the plugin's reproduction.json.")] = False,
) -> int:
    """Check the claims of the papers and say what holds. Exit code 0 even where a claim does not hold."""
    from workbench.cli import reproducing

    return reproducing.reproduce(plugins or [], claim or [], _scale(scale), seeds, device, report, record)


def _scale(text: str) -> Literal["laptop", "paper"]:
    if text == "laptop":
        return "laptop"
    if text == "paper":
        return "paper"
    raise UsageProblem(f"--scale is laptop or paper, not {text!r}.")


@app.command()
def sweep(
    target: Annotated[str | None, typer.Argument(metavar="PLUGIN/EXPERIMENT")] = None,
    grid: Annotated[list[str] | None, typer.Option(metavar="NAME=V1,V2,…", help="Try each value; repeatable.")] = None,
    uniform: Annotated[list[str] | None, typer.Option(metavar="NAME=LOW:HIGH", help="Draw uniformly.")] = None,
    log: Annotated[list[str] | None, typer.Option(metavar="NAME=LOW:HIGH", help="Draw log-uniformly.")] = None,
    samples: Annotated[int, typer.Option(min=1, help="How often to draw.")] = 10,
    seeds: Annotated[int, typer.Option(min=1, help="Seeds 0, 1, … for every point.")] = 1,
    set_: Settings = None,
    steps: Annotated[int | None, typer.Option(min=1, help="Steps of each run.")] = None,
    device: Device = "cpu",
    on: Annotated[
        str, typer.Option(metavar="local|ADDRESS", help="local, or a Dask scheduler: tcp:// or tls://")
    ] = "local",
    workers: Annotated[int | None, typer.Option(min=1, help="Processes of a local sweep.")] = None,
    tls_ca: Annotated[str, typer.Option(metavar="PEM")] = "",
    tls_cert: Annotated[str, typer.Option(metavar="PEM")] = "",
    tls_key: Annotated[str, typer.Option(metavar="PEM")] = "",
    detach: Annotated[bool, typer.Option("--detach", help="Drive it in a process of its own and return.")] = False,
    attach: Annotated[str | None, typer.Option(metavar="SWEEP", help="Go on with a sweep, or watch it.")] = None,
    cancel: Annotated[str | None, typer.Option(metavar="SWEEP", help="Ask a sweep to stop.")] = None,
    show: Annotated[bool, typer.Option("--list", help="List the sweeps.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="With --list: machine-readable.")] = False,
    quiet: bool = False,
) -> int:
    """Run an experiment over a grid, random samples and seeds, on this machine or on a Dask cluster."""
    from workbench.cli import sweeping
    from workbench.sweeps.store import Cluster

    if show:
        return sweeping.show(as_json)
    if cancel is not None:
        return sweeping.cancel(cancel)
    if attach is not None:
        return sweeping.attach(attach, quiet)
    if target is None:
        raise UsageProblem("Name what to sweep, as PLUGIN/EXPERIMENT, or use --attach, --cancel or --list.")
    axes: dict[Literal["grid", "uniform", "log"], list[str]] = {
        "grid": grid or [], "uniform": uniform or [], "log": log or []
    }  # fmt: skip
    cluster = Cluster(on, workers, tls_ca, tls_cert, tls_key)
    return sweeping.start(target, axes, set_ or [], samples, seeds, steps, device, cluster, detach, quiet)


@app.command()
def screenshot(
    target: Annotated[str, typer.Argument(metavar="PLUGIN[/EXPERIMENT]|gallery")],
    out: Annotated[Path, typer.Option(help="The PNG to write.")],
    steps: Annotated[int, typer.Option(min=0, help="Steps to train before; 0: the untrained model.")] = 200,
    set_: Settings = None,
    theme: Annotated[str, typer.Option(help="light or dark")] = "light",
    size: Annotated[str, typer.Option(help="Logical size of the window.")] = "1280x800",
    scale: Annotated[float, typer.Option(min=1, max=4, help="Pixels per logical pixel.")] = 1,
    tab: Annotated[str, typer.Option(help="live, paper, reproduce or runs")] = "live",
    settle: Annotated[float, typer.Option(help="Seconds to wait for views to finish drawing.")] = 1.5,
) -> None:
    """Drive the real panel and save what a person would see. Needs a display (Xvfb will do)."""
    from workbench.cli import screenshots

    screenshots.take(target, out, steps, set_ or [], theme, size, scale, tab, settle)


@app.command()
def bench(
    as_json: Annotated[bool, typer.Option("--json")] = False,
    minutes: Annotated[float, typer.Option(min=0.1, help="Length of the memory measurement.")] = 1.0,
    only: Annotated[list[str] | None, typer.Option(help="Only the budgets whose name contains this.")] = None,
) -> int:
    """Measure the budgets of the design on this machine. Needs a display (Xvfb will do)."""
    from workbench.cli import benchmarks

    return benchmarks.run(as_json, minutes, only or [])


@app.command()
def doctor(
    as_json: Annotated[bool, typer.Option("--json")] = False,
    probe: Annotated[str | None, typer.Option(hidden=True, help="Try one thing in this process.")] = None,
) -> int:
    """Say what works here (GL, audio, GPU, libraries, folders) and how to mend the rest."""
    from workbench.cli import diagnosis, probes

    if probe is not None:
        print(probes.PROBES[probe]())
        return 0

    return diagnosis.run(as_json)


@app.command()
def selftest(
    out: Annotated[Path | None, typer.Option(help="Folder for what it saves; a temporary one without.")] = None,
    steps: Annotated[int, typer.Option(min=1)] = 20,
    first: Annotated[bool, typer.Option("--first", help="Only the first experiment of each plugin.")] = False,
) -> int:
    """Open the real window, train every plugin a little, interact, export, restart. Needs a display."""
    from workbench.cli import selftesting

    return selftesting.run(out, steps, first)


@app.command("remote-worker", hidden=True)
def remote_worker(port: Annotated[int, typer.Argument(min=1, max=65535)]) -> None:
    """Be the worker process of a session on another machine; started there by its Dask worker."""
    from workbench.compute.remote_host import serve

    serve(port)


@app.command("new-plugin")
def new_plugin(
    name: Annotated[str, typer.Argument(help="Identifier, e.g. my_paper")],
    folder: Annotated[
        Path | None, typer.Option("--in", help="Where to write it; the user's plugin folder without.")
    ] = None,
) -> None:
    """Write a working template of a plugin, with its test."""
    from workbench.cli import templates

    print(templates.write_plugin(name, folder))


def parse_settings(settings: list[str]) -> dict[str, Any]:
    """Turn `key=value` texts into a mapping; raises UsageProblem for anything else."""
    values = {}
    for text in settings:
        key, separator, value = text.partition("=")
        if not separator or not key:
            raise UsageProblem(f"--set takes KEY=VALUE, not {text!r}.")
        values[key.strip()] = value
    return values
