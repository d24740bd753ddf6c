"""The UI side of the compute worker: supervising threads, sessions, warm spares, the device queue."""

from workbench.engine.engine import Engine
from workbench.engine.reproducer import ClaimJob, Reproducer
from workbench.engine.session import Session, SessionState

__all__ = ["ClaimJob", "Engine", "Reproducer", "Session", "SessionState"]
