"""`workbench list`."""

from __future__ import annotations

import json
from typing import Any

from rich.console import Console
from rich.table import Table

from workbench.catalog import BrokenPlugin, Entry
from workbench.cli.targets import catalog


def show(as_json: bool) -> None:
    """Print all papers; the JSON form imports the plugins for their parameters and claims."""
    entries = catalog().entries
    if as_json:
        print(json.dumps({"plugins": [_describe(entry) for entry in entries]}, indent=1, ensure_ascii=False))
        return
    table = Table("id", "paper", "arXiv", "status", "experiments")
    for entry in entries:
        names = ", ".join(card.id for card in entry.card.experiments)
        status = entry.status if not entry.error else f"broken: {entry.error}"
        table.add_row(entry.card.id, entry.card.title, entry.card.arxiv, status, names)
    Console().print(table)


def _describe(entry: Entry) -> dict[str, Any]:
    card = entry.card
    experiments: list[dict[str, Any]] = []
    claims: list[dict[str, str]] = []
    if entry.status == "ok":
        try:
            for experiment in card.experiments:
                schema = entry.parameters_type(experiment.id).model_json_schema()
                experiments.append({"id": experiment.id, "title": experiment.title, "parameters": schema})
            claims = [
                {"id": claim.id, "statement": claim.statement, "source": claim.source}
                for claim in entry.claims().values()
            ]
        except BrokenPlugin:  # the entry now says so itself
            pass
    return {
        "id": card.id,
        "title": card.title,
        "arxiv": card.arxiv,
        "status": entry.status,
        "error": entry.error,
        "experiments": experiments,
        "claims": claims,
    }
