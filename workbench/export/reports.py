"""Reports of claims as Markdown, HTML (self-contained) and JSON."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from workbench.runs.atomic import replacing
from workbench.sdk import ClaimCard, PaperCard, UserError

Report = Mapping[str, Any]
"""One plugin's report: `{"plugin", "claims": {id: {...}}}`."""
Figures = Mapping[tuple[str, str], str]
"""SVG text by plugin and claim."""
Papers = Mapping[str, PaperCard]

_MARKS = {"holds": "✓", "does not hold": "✗", "not run": "–", "cannot run here": "!"}
_CLASSES = {"holds": "holds", "does not hold": "fails", "not run": "none", "cannot run here": "none"}
_STYLE = """
:root { --ink: #1d2330; --muted: #667; --line: #d8dce4; --holds: #00634a; --fails: #a33b00; --page: #fff; }
* { box-sizing: border-box; }
body { font: 16px/1.55 system-ui, sans-serif; max-width: 66rem; margin: 2.5rem auto; padding: 0 1.2rem;
  color: var(--ink); background: var(--page); }
h1 { font-size: 1.9rem; line-height: 1.2; margin: 2.5rem 0 .3rem; } h2 { font-size: 1.15rem; margin: 0 0 .5rem; }
.byline, .foot, caption { color: var(--muted); } a { color: #0a58a8; }
article { border: 1px solid var(--line); border-left-width: 5px; border-radius: 6px; padding: 1rem 1.4rem;
  margin: 1.2rem 0; break-inside: avoid; }
article.holds { border-left-color: var(--holds); } article.fails { border-left-color: var(--fails); }
strong.holds { color: var(--holds); } strong.fails { color: var(--fails); } strong.none { color: var(--muted); }
table { border-collapse: collapse; margin: .6rem 0; font-variant-numeric: tabular-nums; }
td, th { padding: .25rem .8rem; border-bottom: 1px solid var(--line); text-align: right; }
td:first-child, th:first-child, .summary td, .summary th { text-align: left; }
.summary td:last-child { white-space: nowrap; } .summary { width: 100%; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .2rem 1rem; margin: .4rem 0; }
dt { color: var(--muted); } dd { margin: 0; } figure { margin: .8rem 0 0; }
figure svg { max-width: 100%; height: auto; }
.wide { overflow-x: auto; }
"""


def write_report(path: Path, reports: Sequence[Report], papers: Papers | None = None, figures: Figures | None = None
                 ) -> None:  # fmt: skip
    """Write reports in the format of the file's suffix (.md, .html, .json); raises UserError for any other.

    `papers` gives each plugin's title and authors, `figures` the pictures of an HTML report.
    """
    writers = {
        ".md": lambda: as_markdown(reports, papers),
        ".html": lambda: as_html(reports, papers, figures),
        ".json": lambda: as_json(reports),
    }
    writer = writers.get(path.suffix.lower())
    if writer is None:
        raise UserError(f"A report can be {', '.join(writers)}, not {path.suffix or 'a file without suffix'}.")
    with replacing(path) as temporary:
        temporary.write_text(writer(), encoding="utf-8")


def report_of(plugin: str, claims: Sequence[ClaimCard], results: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return a plugin's report: its results, and an entry without a verdict for each claim that was not run."""
    missing: dict[str, dict[str, Any]] = {
        claim.id: {
            "statement": claim.statement, "source": claim.source, "scale": "laptop", "paper": claim.paper,
            "measured": "", "holds": None, "why": "", "seeds": [], "seconds": 0.0, "date": "", "machine": "",
        }
        for claim in claims
        if claim.id not in results
    }  # fmt: skip
    order = [claim.id for claim in claims] or list(results)
    everything: dict[str, Mapping[str, Any]] = {**results, **missing}
    return {"plugin": plugin, "claims": {id: dict(everything[id]) for id in order if id in everything}}


def verdict_of(claim: Mapping[str, Any]) -> str:
    """Return the state of a claim in words: holds, does not hold, not run, cannot run here."""
    if claim["holds"] is None:
        return "cannot run here" if claim.get("why") else "not run"
    return "holds" if claim["holds"] else "does not hold"


def as_json(reports: Sequence[Report]) -> str:
    """One report as its object, several as a list of them."""
    return json.dumps(reports[0] if len(reports) == 1 else list(reports), indent=1, ensure_ascii=False)


def as_markdown(reports: Sequence[Report], papers: Papers | None = None) -> str:
    """A section a plugin, a table of verdicts, and the numbers of each claim."""
    lines: list[str] = []
    for report in reports:
        paper = (papers or {}).get(report["plugin"])
        lines += [f"# {paper.title if paper else report['plugin']}", ""]
        if paper:
            lines += [f"{', '.join(paper.authors)}, {paper.year}. [arXiv {paper.arxiv}]({paper.url})", ""]
        lines += ["| claim | paper | measured | verdict |", "|---|---|---|---|"]
        for claim in report["claims"].values():
            cells = (claim["statement"], claim["paper"], claim["measured"], verdict_of(claim))
            lines.append("| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |")
        for id, claim in report["claims"].items():
            facts = (f"- {key}: {value}" for key, value in _facts(claim))
            lines += ["", f"## {id}", "", claim["statement"], "", *facts]
            if table := claim.get("table"):
                lines += ["", "| " + " | ".join(table["columns"]) + " |", "|" + "---|" * len(table["columns"])]
                lines += ["| " + " | ".join(_cell(cell) for cell in row) + " |" for row in table["rows"]]
        lines.append("")
    return "\n".join(lines)


def as_html(reports: Sequence[Report], papers: Papers | None = None, figures: Figures | None = None) -> str:
    """A page that needs no other file: a summary, then a section a plugin with an article a claim."""
    body = [_html_overview(reports, papers or {})] if len(reports) > 1 else []
    for report in reports:
        body += [_html_head(report, papers or {}), _html_summary(report)]
        for id, claim in report["claims"].items():
            body.append(_html_claim(report["plugin"], id, claim, (figures or {}).get((report["plugin"], id), "")))
    head = (
        '<meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>{_title(reports, papers or {})}</title><style>{_STYLE}</style>"
    )
    return f'<!doctype html><html lang="en"><head>{head}</head><body>{"".join(body)}</body></html>'


def _title(reports: Sequence[Report], papers: Papers) -> str:
    if len(reports) != 1:
        return f"Reproduction of {len(reports)} papers"
    plugin = reports[0]["plugin"]
    return html.escape(f"Reproduction: {papers[plugin].title if plugin in papers else plugin}")


def _html_overview(reports: Sequence[Report], papers: Papers) -> str:
    rows = []
    for report in reports:
        plugin, claims = report["plugin"], report["claims"].values()
        holding = sum(claim["holds"] is True for claim in claims)
        title = papers[plugin].title if plugin in papers else plugin
        rows.append(
            f'<tr><td><a href="#{plugin}">{html.escape(title)}</a></td><td>{holding} of {len(claims)}</td></tr>'
        )
    return (
        f"<h1>Reproduction of {len(reports)} papers</h1>"
        f'<table class="summary"><tr><th>paper</th><th>claims that hold</th></tr>{"".join(rows)}</table>'
    )


def _html_head(report: Report, papers: Papers) -> str:
    plugin = report["plugin"]
    paper = papers.get(plugin)
    if paper is None:
        return f'<h1 id="{html.escape(plugin)}">{html.escape(plugin)}</h1>'
    link = f'<a href="{html.escape(paper.url)}">arXiv {html.escape(paper.arxiv)}</a>' if paper.arxiv else ""
    return (
        f'<h1 id="{html.escape(plugin)}">{html.escape(paper.title)}</h1>'
        f'<p class="byline">{html.escape(", ".join(paper.authors))}, {paper.year}. {link}</p>'
        f"<p>{html.escape(paper.summary)}</p>"
    )


def _html_summary(report: Report) -> str:
    rows = []
    for id, claim in report["claims"].items():
        verdict = verdict_of(claim)
        cells = (claim["paper"], claim["measured"])
        rows.append(
            f'<tr><td><a href="#{_anchor(report["plugin"], id)}">{html.escape(claim["statement"])}</a></td>'
            + "".join(f"<td>{html.escape(str(cell))}</td>" for cell in cells)
            + f'<td><strong class="{_CLASSES[verdict]}">{_MARKS[verdict]} {verdict}</strong></td></tr>'
        )
    head = "".join(f"<th>{name}</th>" for name in ("claim", "paper", "measured here", "verdict"))
    return f'<div class="wide"><table class="summary"><tr>{head}</tr>{"".join(rows)}</table></div>'


def _html_claim(plugin: str, id: str, claim: Mapping[str, Any], figure: str) -> str:
    verdict = verdict_of(claim)
    facts = "".join(f"<dt>{key}</dt><dd>{html.escape(str(value))}</dd>" for key, value in _facts(claim))
    drawn = f"<figure>{_own_ids(figure, _anchor(plugin, id))}</figure>" if figure else ""
    return (
        f'<article id="{_anchor(plugin, id)}" class="{_CLASSES[verdict]}"><h2>{html.escape(claim["statement"])}</h2>'
        f'<p><strong class="{_CLASSES[verdict]}">{_MARKS[verdict]} {verdict}</strong></p><dl>{facts}</dl>'
        f"{_html_table(claim.get('table'))}{drawn}</article>"
    )


def _anchor(plugin: str, id: str) -> str:
    return html.escape(f"{plugin}-{id}")


def _own_ids(svg: str, prefix: str) -> str:
    """Give the ids inside an SVG a prefix: those of several pictures on one page must not meet."""
    svg = re.sub(r'\bid="([^"]+)"', rf'id="{prefix}-\1"', svg)
    return re.sub(r"url\(#([^)]+)\)", rf"url(#{prefix}-\1)", svg)


def _html_table(table: Mapping[str, Any] | None) -> str:
    if not table:
        return ""
    head = "".join(f"<th>{html.escape(str(name))}</th>" for name in table["columns"])
    rows = "".join(
        "<tr>" + "".join(f"<td>{html.escape(_cell(cell))}</td>" for cell in row) + "</tr>" for row in table["rows"]
    )
    return f'<div class="wide"><table><tr>{head}</tr>{rows}</table></div>'


def _facts(claim: Mapping[str, Any]) -> list[tuple[str, Any]]:
    names = ("source", "paper", "measured", "why", "scale", "seeds", "seconds", "date", "machine", "device")
    facts = [(name, claim[name]) for name in names if claim.get(name) not in (None, "", [])]
    return [(name, ", ".join(map(str, value)) if name == "seeds" else value) for name, value in facts]


def _cell(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
