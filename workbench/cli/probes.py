"""What `workbench doctor` tries, each in a process of its own. A probe returns what it found, or raises."""

from __future__ import annotations

from collections.abc import Callable


def window() -> str:
    """Make a QApplication."""
    import PySide6
    from PySide6.QtWidgets import QApplication

    application = QApplication([])
    return f"PySide6 {PySide6.__version__} on {application.platformName()}"


def gl() -> str:
    """Draw an empty 3-D scene."""
    from vispy import app, scene
    from vispy.gloo import gl as functions

    app.use_app("pyside6")
    canvas = scene.SceneCanvas(show=True, size=(64, 64))
    canvas.render()
    canvas.set_current()
    names = functions.GL_RENDERER, functions.GL_VERSION
    return " ".join(functions.glGetParameter(name) for name in names)


def audio() -> str:
    """Ask for the output device."""
    import sounddevice

    device = sounddevice.query_devices(kind="output")
    return f"{device['name']} {int(device['default_samplerate'])} Hz"


def torch() -> str:
    """Import torch and list what it computes on."""
    import torch

    from workbench.compute.devices import devices

    return f"torch {torch.__version__} on {', '.join(f'{found.id} ({found.title})' for found in devices())}"


def accelerator() -> str:
    """List what is faster than the processor; raises LookupError if there is nothing."""
    from workbench.compute.devices import devices

    found = devices()[1:]
    if not found:
        raise LookupError("none")
    return ", ".join(device.title for device in found)


PROBES: dict[str, Callable[[], str]] = {
    probe.__name__: probe for probe in (window, gl, audio, torch, accelerator)
}  # fmt: skip
