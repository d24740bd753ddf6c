"""Reports of claims as Markdown, HTML (self-contained) and JSON."""

from __future__ import annotations

import html
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from workbench.runs.atomic import replacing
from workbench.sdk import UserError

Report = Mapping[str, Any]
"""One plugin's report: `{"plugin", "claims": {id: {...}}}`."""

VERDICTS = {True: "holds", False: "does not hold", None: "could not be run"}

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #222; }
article { border: 1px solid #ccc; border-radius: 8px; padding: 1rem 1.5rem; margin: 1rem 0; }
.holds { color: #00634a; } .fails { color: #a33b00; } .none { color: #666; }
table { border-collapse: collapse; margin: .5rem 0; }
td, th { padding: .2rem .8rem; border-bottom: 1px solid #ddd; text-align: right; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .2rem 1rem; } dt { color: #666; } dd { margin: 0; }
"""


def write_report(path: Path, reports: Sequence[Report]) -> None:
    """Write reports in the format of the file's suffix (.md, .html, .json); raises UserError for any other."""
    writers = {".md": as_markdown, ".html": as_html, ".json": as_json}
    writer = writers.get(path.suffix.lower())
    if writer is None:
        raise UserError(f"A report can be {', '.join(writers)}, not {path.suffix or 'a file without suffix'}.")
    with replacing(path) as temporary:
        temporary.write_text(writer(reports), encoding="utf-8")


def as_json(reports: Sequence[Report]) -> str:
    """One report as its object, several as a list of them."""
    return json.dumps(reports[0] if len(reports) == 1 else list(reports), indent=1, ensure_ascii=False)


def as_markdown(reports: Sequence[Report]) -> str:
    """A section a plugin, a table of verdicts, and the numbers of each claim."""
    lines: list[str] = []
    for report in reports:
        lines += [f"# {report['plugin']}", "", "| claim | paper | measured | verdict |", "|---|---|---|---|"]
        for claim in report["claims"].values():
            cells = (claim["statement"], claim["paper"], claim["measured"], VERDICTS[claim["holds"]])
            lines.append("| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |")
        for id, claim in report["claims"].items():
            lines += [
                "",
                f"## {id}",
                "",
                claim["statement"],
                "",
                *(f"- {key}: {value}" for key, value in _facts(claim)),
            ]
            if table := claim.get("table"):
                lines += ["", "| " + " | ".join(table["columns"]) + " |", "|" + "---|" * len(table["columns"])]
                lines += ["| " + " | ".join(_cell(cell) for cell in row) + " |" for row in table["rows"]]
        lines.append("")
    return "\n".join(lines)


def as_html(reports: Sequence[Report]) -> str:
    """A page that needs no other file."""
    body = []
    for report in reports:
        body.append(f"<h1>{html.escape(report['plugin'])}</h1>")
        for id, claim in report["claims"].items():
            kind = {True: "holds", False: "fails", None: "none"}[claim["holds"]]
            facts = "".join(f"<dt>{key}</dt><dd>{html.escape(str(value))}</dd>" for key, value in _facts(claim))
            body.append(
                f'<article id="{html.escape(id)}"><h2>{html.escape(claim["statement"])}</h2>'
                f'<p class="{kind}"><strong>{VERDICTS[claim["holds"]]}</strong></p><dl>{facts}</dl>'
                f"{_html_table(claim.get('table'))}</article>"
            )
    head = f'<meta charset="utf-8"><title>Reproduction report</title><style>{_STYLE}</style>'
    return f'<!doctype html><html lang="en"><head>{head}</head><body>{"".join(body)}</body></html>'


def _html_table(table: Mapping[str, Any] | None) -> str:
    if not table:
        return ""
    head = "".join(f"<th>{html.escape(str(name))}</th>" for name in table["columns"])
    rows = "".join(
        "<tr>" + "".join(f"<td>{html.escape(_cell(cell))}</td>" for cell in row) + "</tr>" for row in table["rows"]
    )
    return f"<table><tr>{head}</tr>{rows}</table>"


def _facts(claim: Mapping[str, Any]) -> list[tuple[str, Any]]:
    names = ("source", "paper", "measured", "why", "scale", "seeds", "seconds", "date", "machine", "device")
    return [(name, claim[name]) for name in names if claim.get(name) not in (None, "", [])]


def _cell(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
