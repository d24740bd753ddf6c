"""3-D views live through everything that moves or hides them."""

import asyncio

import numpy as np
import pytest
from PySide6.QtCore import QPoint
from PySide6.QtGui import QImage

from workbench.engine import SessionState
from workbench.views.scene3d import Scene3DView


def contrast(window, view):
    """Largest difference of brightness in a view as the screen shows it; 0 for one colour, such as black."""
    corner = view.body.mapTo(window, QPoint(0, 0))
    picture = window.screen().grabWindow(window.winId()).toImage()
    scale = picture.width() / window.width()
    area = picture.copy(
        round(corner.x() * scale), round(corner.y() * scale),
        round(view.body.width() * scale), round(view.body.height() * scale),
    ).convertToFormat(QImage.Format.Format_Grayscale8)  # fmt: skip
    pixels = np.frombuffer(area.constBits(), np.uint8).reshape(area.height(), area.bytesPerLine())
    middle = pixels[area.height() // 4 : 3 * area.height() // 4, area.width() // 4 : 3 * area.width() // 4]
    return int(middle.max()) - int(middle.min())


@pytest.mark.gl
def test_a_scene_is_still_drawn_after_splitting_moving_enlarging_and_hiding_its_panel(run, person):
    async def use():
        window = person.open_window(restore=False)
        panel = await person.open_paper(window, "rotation_continuity")
        await person.state(panel.session, SessionState.READY)
        scene = next(view for view in panel.page.view.views() if isinstance(view, Scene3DView) and view.isVisible())

        async def is_drawn(when):
            await person.until(lambda: contrast(window, scene) > 40, 20)

        await is_drawn("at first")
        for command in ("view.split_right", "view.move", "view.split_down", "view.unsplit", "view.paper", "view.live"):
            assert window.commands.run(command), command
            await asyncio.sleep(0.3)
            if command != "view.paper":
                await is_drawn(command)
        panel.page.enlarger.toggle(scene)
        await is_drawn("enlarged")
        panel.shrink()
        window.show_gallery()
        await asyncio.sleep(0.2)
        window.workspace.show_page("rotation_continuity")
        await is_drawn("shown again")
        window.set_theme("dark")
        await is_drawn("dark")
        window.set_theme("light")

    run(use)
