"""Experiments of Poincaré ResNet."""
