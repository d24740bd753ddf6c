"""What a plugin's view may ask of the session behind it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from PySide6.QtGui import QUndoStack

from workbench.app.message_strip import MessageStrip
from workbench.app.undo import ParameterChange
from workbench.engine import Session
from workbench.sdk import InvalidParameters, Parameters, UserError


class PanelPort:
    """The `SessionPort` that the panel hands to a view: the session, the undo stack, the message strip."""

    def __init__(self, session: Session, undo_stack: QUndoStack, strip: MessageStrip) -> None:
        self.undo_stack = undo_stack
        self._session = session
        self._strip = strip

    @property
    def parameters(self) -> Parameters:
        """The values in the form now."""
        return self._session.parameters

    def ask(self, action: str, /, **arguments: Any) -> Awaitable[Any]:
        """Call an action of the experiment; await its answer. Raises UserError with a sentence if it fails."""
        return self._session.ask(action, **arguments)

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
        """Call an action while the person drags; a refusal goes to `failed`, or else to the message strip."""

        def refused(error: UserError) -> None:
            if failed is not None:
                failed(str(error))
            else:
                self._strip.say(str(error), "warning", details=getattr(error, "details", ""))

        self._session.ask_latest(action, done, partial=partial, failed=refused, **arguments)

    def change_parameters(self, text: str, changes: Mapping[str, Any]) -> None:
        """Change values of the form as one undoable step called `text`; a refusal goes to the message strip."""
        before = self._session.parameters
        try:
            after = before.changed(**changes)
        except InvalidParameters as refused:
            self._strip.say(str(refused), "warning")
            return
        if after.difference(before):
            self.undo_stack.push(ParameterChange(text, before, after, self._session.set_parameters))

    def say(self, sentence: str) -> None:
        """Show one sentence in the panel's message strip."""
        self._strip.say(sentence)
