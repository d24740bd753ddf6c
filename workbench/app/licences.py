"""The parts that the workbench is made of, with their licences, as their own metadata and the bundle tell them."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

DISTRIBUTION = "paper-workbench"
LICENCE_FILE = re.compile(r"(licen[cs]e|copying|notice|authors)", re.IGNORECASE)
NAME = re.compile(r"[A-Za-z0-9._-]+")
BUNDLED = "licences"
"""The folder of the bundle with the licences of what is no Python distribution: Python, Qt, libraries of the system."""


@dataclass(frozen=True)
class Part:
    """One part; `licence` in a few words, `text` whole, empty where the part brings none."""

    name: str
    version: str
    licence: str
    text: str = ""


def distributions() -> list[metadata.Distribution]:
    """Return the workbench and every distribution that it needs, with what those need, by name."""
    found: dict[str, metadata.Distribution] = {}
    waiting = [DISTRIBUTION]
    while waiting:
        try:
            distribution = metadata.distribution(waiting.pop())
        except metadata.PackageNotFoundError:
            continue  # needed on another system only
        key = distribution.name.lower()
        if key not in found:
            found[key] = distribution
            needed = [text for text in distribution.requires or () if "extra ==" not in text]
            waiting += [match.group() for text in needed if (match := NAME.match(text))]
    return [found[name] for name in sorted(found)]


def parts() -> list[Part]:
    """Return all parts: distributions first, then what the bundle holds beside them."""
    return [_of_distribution(distribution) for distribution in distributions()] + list(_of_bundle())


def _of_distribution(distribution: metadata.Distribution) -> Part:
    texts = []
    for file in distribution.files or ():
        if ".dist-info" in str(file) and LICENCE_FILE.search(file.name):
            path = Path(str(distribution.locate_file(file)))
            if path.is_file():
                texts.append(path.read_text(encoding="utf-8", errors="replace").strip())
    return Part(distribution.name, distribution.version, _licence(distribution.metadata), "\n\n".join(texts))


def _licence(values: metadata.PackageMetadata) -> str:
    """The licence in a few words: the expression, a short licence field, or the classifiers."""
    for field in ("License-Expression", "License"):
        text = str(values[field] or "").strip() if field in values else ""
        if text and "\n" not in text and len(text) < 120:
            return text
    classifiers = [line for line in values.get_all("Classifier") or () if line.startswith("License ::")]
    return ", ".join(line.rsplit("::", 1)[1].strip() for line in classifiers) or "see its text"


def _of_bundle() -> Iterator[Part]:
    root = getattr(sys, "_MEIPASS", None)
    if root is not None:
        for file in sorted((Path(root) / BUNDLED).glob("*.txt")):
            yield Part(file.stem, "", "see its text", file.read_text(encoding="utf-8", errors="replace").strip())
