"""`workbench new-plugin`: a working plugin to start from."""

from __future__ import annotations

import keyword
import re
from importlib import resources
from pathlib import Path

from workbench.cli import UsageProblem
from workbench.runs import folders

TEMPLATE = "workbench.cli.template"


def write_plugin(name: str, folder: Path | None = None) -> Path:
    """Write the template as plugin `name` and return its folder; raises UsageProblem, overwriting nothing."""
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name) or keyword.iskeyword(name):
        raise UsageProblem(f"A plugin's name is lower-case letters, digits and underscores, not {name!r}.")
    target = (folder or folders().make().plugins) / name
    if target.exists():
        raise UsageProblem(f"{target} exists already.")
    title = name.replace("_", " ").capitalize()
    files = {
        item.name.removesuffix(".tmpl"): item.read_text(encoding="utf-8")
        for item in resources.files(TEMPLATE).iterdir()
        if item.name.endswith(".tmpl")
    }
    target.mkdir(parents=True)
    for file_name, text in files.items():
        path = target / file_name.replace("NAME", name)
        path.write_text(text.replace("@NAME@", name).replace("@TITLE@", title), encoding="utf-8")
    return target
