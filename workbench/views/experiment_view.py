"""The right-hand side of a panel: what a plugin's `panel.py` subclasses, one class an experiment."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from PySide6.QtWidgets import QWidget

from workbench.sdk import Frame, MetricsHistory, Parameters
from workbench.views.base import View

if TYPE_CHECKING:
    from PySide6.QtGui import QUndoStack

    from workbench.views.film import Film


class SessionPort(Protocol):
    """What a view may ask of the session behind it; the panel shell hands it over."""

    undo_stack: QUndoStack

    @property
    def parameters(self) -> Parameters:
        """The values in the form now."""

    def ask(self, action: str, /, **arguments: Any) -> Awaitable[Any]:
        """Call an action of the experiment; await its answer. Raises UserError with a sentence if it fails."""

    def ask_latest(
        self,
        action: str,
        done: Callable[[Any], None],
        /,
        *,
        partial: Callable[[Any], None] | None = None,
        failed: Callable[[str], None] | None = None,
        **arguments: Any,
    ) -> None:
        """Call an action while the person drags: a newer request of the same action replaces one that waits.

        `done` gets the answer in the UI thread, `partial` what a generator action yields before it. Without
        `failed`, a failure goes to the panel's message strip.
        """

    def change_parameters(self, text: str, changes: Mapping[str, Any]) -> None:
        """Change values of the form as one undoable step called `text`."""

    def say(self, sentence: str) -> None:
        """Show one sentence in the panel's message strip."""


class ExperimentView(QWidget):
    """Places views, maps frames and metrics onto them, and says what a click means.

    Build views in `__init__` (call super first) and lay them out in `self`. All methods run in the UI thread.
    The view keeps no state that a frame or the port could give it.
    """

    hint = "Drag to pan, wheel to zoom, double-click a title to enlarge a view."
    """What the mouse does here, shown under the views; a View's own `hint` replaces it while the mouse is over it."""

    def __init__(self, port: SessionPort, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.port = port

    def show_frame(self, frame: Frame) -> None:
        """Draw what the experiment shows now."""

    def show_metrics(self, history: MetricsHistory) -> None:
        """Draw the scalars so far; called a few times a second while they come in."""

    def parameters_changed(self, parameters: Parameters) -> None:
        """Values of the form changed, also while nothing runs and no frame comes."""

    def start_over(self) -> None:
        """A new run begins or its parameters changed shape: forget what was drawn."""

    def views(self) -> Sequence[View]:
        """Return the views to export and enlarge, in reading order."""
        return self.findChildren(View)

    def films(self) -> Sequence[Film]:
        """Return the films that an export of the whole panel writes; none by default."""
        return ()

    def play_controls(self) -> QWidget | None:
        """Return controls for playing (not parameters) to be placed in the left column, or None."""
        return None

    def state(self) -> dict[str, Any]:
        """Return what to restore at the next start, as plain JSON values (zoom, chosen case, ...)."""
        return {view.name: view.state() for view in self.views()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Restore what `state` returned; unknown entries are ignored."""
        for view in self.views():
            if isinstance(saved := state.get(view.name), Mapping):
                view.restore(saved)
