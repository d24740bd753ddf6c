"""A desktop workbench in which research papers are live panels."""

__version__ = "0.1.0"
