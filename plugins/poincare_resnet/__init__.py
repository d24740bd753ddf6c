"""Poincaré ResNet: a residual network whose every layer lives on the Poincaré ball."""
