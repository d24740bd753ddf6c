"""Figures of claims as SVG text, for reports. Needs a QGuiApplication, no display."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from workbench.views.claim_figure import claim_figure
from workbench.views.figure_export import svg_bytes

SIZE = (620, 360)


def figures_of(reports: Sequence[Mapping[str, Any]]) -> dict[tuple[str, str], str]:
    """Return the figure of every claim that has one, by plugin and claim."""
    figures = {}
    for report in reports:
        for id, claim in report["claims"].items():
            view = claim_figure(f"claim-{id}", claim)
            if view is not None:
                view.title = ""
                text = svg_bytes(view, SIZE).decode("utf-8")
                figures[report["plugin"], id] = text[text.index("<svg") :]
                view.deleteLater()
    return figures
