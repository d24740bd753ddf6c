"""Finding what a command names."""

from __future__ import annotations

from workbench.catalog import BrokenPlugin, Catalog, Entry
from workbench.cli import UsageProblem
from workbench.runs import folders
from workbench.sdk import ExperimentCard, UserError


def catalog() -> Catalog:
    """All plugins of this user."""
    return Catalog.discover(folders().plugins)


def find_entry(id: str, plugins: Catalog | None = None) -> Entry:
    """Return a plugin that can be used; raises UsageProblem for an unknown one, UserError for a broken one."""
    try:
        entry = (plugins or catalog()).entry(id)
    except KeyError as error:
        raise UsageProblem(f"{error.args[0]}.") from None
    if entry.status == "planned":
        raise UserError(f"{entry.card.short} is planned and not built yet.")
    if entry.status == "broken":
        raise UserError(f"{entry.card.short} is broken: {entry.error}")
    return entry


def find_experiment(target: str, plugins: Catalog | None = None) -> tuple[Entry, ExperimentCard]:
    """Return plugin and experiment of `PLUGIN[/EXPERIMENT]`; the plugin's first experiment where none is named."""
    plugin, _, experiment = target.partition("/")
    entry = find_entry(plugin, plugins)
    try:
        return entry, entry.card.experiment(experiment) if experiment else entry.card.experiments[0]
    except KeyError as error:
        raise UsageProblem(f"{error.args[0]}.") from None


__all__ = ["BrokenPlugin", "catalog", "find_entry", "find_experiment"]
