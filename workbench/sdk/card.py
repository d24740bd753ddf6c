"""The card of a paper: everything about a plugin that is known without importing it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class ExperimentCard:
    """One experiment of a plugin; the three names are `module:Class`, imported only where they are needed."""

    id: str
    title: str
    summary: str
    experiment: str
    parameters: str
    view: str


@dataclass(frozen=True)
class PaperCard:
    """A paper as the gallery and the panel's header show it, read from `plugin.toml`."""

    id: str
    title: str
    short: str
    authors: tuple[str, ...]
    year: int
    arxiv: str
    topic: str
    tags: tuple[str, ...] = ()
    summary: str = ""
    invitation: str = ""
    icon: str = ""
    venue: str = ""
    doi: str = ""
    experiments: tuple[ExperimentCard, ...] = ()
    claims: str = ""
    folder: Path | None = None

    @property
    def url(self) -> str:
        """Address of the paper's abstract page."""
        return f"https://arxiv.org/abs/{self.arxiv}"

    @property
    def byline(self) -> str:
        """First author's family name and year: `"Zhou et al. 2018"`."""
        names = self.authors[0].split() if self.authors else [""]
        # A family name begins with its particle, as in "van Spengler".
        first = next((index for index, name in enumerate(names) if index and name[:1].islower()), len(names) - 1)
        family = " ".join(names[first:])
        return f"{family}{' et al.' if len(self.authors) > 1 else ''} {self.year}"

    def experiment(self, id: str) -> ExperimentCard:
        """Return the experiment called `id`; raise KeyError naming those there are."""
        for card in self.experiments:
            if card.id == id:
                return card
        known = ", ".join(card.id for card in self.experiments)
        raise KeyError(f"{self.id} has no experiment {id!r}; it has {known}")
