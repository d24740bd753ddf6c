"""All plugins from all three places, in one list; one that fails never hides another."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import logging
import re
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from workbench.catalog.cards import CardError, planned_cards, read_card
from workbench.catalog.entry import Entry, Origin, reload_packages
from workbench.catalog.installing import install_plugin
from workbench.catalog.loading import USER_PACKAGE, mount_user_folder
from workbench.sdk import PaperCard

log = logging.getLogger(__name__)

ENTRY_POINTS = "workbench.plugins"
"""Entry-point group: a name, and as its value the package that holds `plugin.toml`."""


@dataclass
class Catalog:
    """The plugins in the order of the gallery: built ones and broken ones first, planned papers after them."""

    entries: tuple[Entry, ...]
    user_folder: Path | None = None

    @classmethod
    def discover(cls, user_folder: Path | None = None) -> Catalog:
        """Read the cards of the built-in package, of installed distributions, and of the user's folder."""
        found: dict[str, Entry] = {}
        for entry in (*_built_in(), *_installed(), *_from_user(user_folder)):
            if entry.card.id in found:
                first = found[entry.card.id]
                log.warning("%s comes twice; the one that is %s is used", entry.card.id, first.origin)
                continue
            found[entry.card.id] = entry
        planned = {card.id: card for card in planned_cards()}
        ordered = sorted(
            found.values(), key=lambda entry: list(planned).index(entry.card.id) if entry.card.id in planned else 99
        )
        rest = [Entry(card, "planned") for id, card in planned.items() if id not in found]
        return cls((*ordered, *rest), user_folder)

    def entry(self, id: str) -> Entry:
        """Return the plugin called `id`; raise KeyError naming the known ones."""
        for entry in self.entries:
            if entry.card.id == id:
                return entry
        raise KeyError(f"there is no plugin {id!r}; known are {', '.join(entry.card.id for entry in self.entries)}")

    def install(self, source: Path) -> Entry:
        """Copy a plugin (a folder or a zip) into the user's folder and return its entry.

        Raises UserError with one sentence if it is not a plugin; nothing is left behind then.
        """
        if self.user_folder is None:
            raise RuntimeError("this catalog has no folder for the user's plugins")
        target = install_plugin(source, self.user_folder)
        mount_user_folder(self.user_folder)
        package = f"{USER_PACKAGE}.{target.name}"
        reload_packages(package)
        entry = _read(target, package, "user")
        others = tuple(known for known in self.entries if known.card.id != entry.card.id)
        self.entries = (
            *(known for known in others if known.status != "planned"),
            entry,
            *(known for known in others if known.status == "planned"),
        )
        return entry


def _read(folder: Path, package: str, origin: Origin) -> Entry:
    try:
        return Entry(read_card(folder / "plugin.toml", package), "ok", origin)
    except CardError as error:
        return _broken(folder.name, str(error), origin)


def _broken(name: str, sentence: str, origin: Origin) -> Entry:
    id = re.sub(r"\W", "_", name.lower())
    card = PaperCard(id, name, name, (), 0, "", "Broken", summary=sentence)
    for known in planned_cards():
        if known.id == id:
            card = known
    log.warning("%s: %s", name, sentence)
    return Entry(card, "broken", origin, sentence, traceback.format_exc())


def _built_in() -> Iterator[Entry]:
    spec = importlib.util.find_spec("plugins")
    for root in spec.submodule_search_locations or () if spec else ():
        for card in sorted(Path(root).glob("*/plugin.toml")):
            yield _read(card.parent, f"plugins.{card.parent.name}", "built-in")


def _installed() -> Iterator[Entry]:
    for point in importlib.metadata.entry_points(group=ENTRY_POINTS):
        try:
            parent = importlib.util.find_spec(point.value)
            locations = list(parent.submodule_search_locations or ()) if parent else []
        except (ImportError, ValueError) as error:
            yield _broken(point.name, f"The package {point.value} cannot be found: {error}.", "installed")
            continue
        if locations:
            yield _read(Path(locations[0]), point.value, "installed")
        else:
            yield _broken(point.name, f"The package {point.value} cannot be found.", "installed")


def _from_user(folder: Path | None) -> Iterator[Entry]:
    if folder is None or not folder.is_dir():
        return
    mount_user_folder(folder)
    for card in sorted(folder.glob("*/plugin.toml")):
        yield _read(card.parent, f"{USER_PACKAGE}.{card.parent.name}", "user")
