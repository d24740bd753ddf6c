"""The experiments of the MgNO panel, one a module."""
