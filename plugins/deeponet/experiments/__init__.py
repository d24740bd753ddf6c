"""The experiments of the DeepONet panel, one a module."""
