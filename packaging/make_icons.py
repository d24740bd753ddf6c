"""Draws the application's icon from its SVG in every size and format that a desktop asks for.

    python packaging/make_icons.py FOLDER

writes hicolor/<n>x<n>/apps/paper-workbench.png (Linux), workbench.ico (Windows) and workbench.icns (macOS) into it.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from PIL import Image
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QGuiApplication, QImage, QPainter
from PySide6.QtSvg import QSvgRenderer

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "resources" / "icons" / "workbench.svg"
IN_THE_WINDOW = ROOT / "workbench" / "app" / "icon.png"
ICON = "paper-workbench"
SIZES = (16, 22, 24, 32, 48, 64, 128, 256, 512)
WINDOWS_SIZES = [(size, size) for size in (16, 24, 32, 48, 64, 128, 256)]
WINDOW_SIZE = 128


def draw(size: int, file: Path) -> None:
    """Draw the icon as a square PNG of `size` pixels."""
    image = QImage(size, size, QImage.Format.Format_ARGB32_Premultiplied)
    image.fill(Qt.GlobalColor.transparent)
    painter = QPainter(image)
    QSvgRenderer(str(SOURCE)).render(painter, QRectF(0, 0, size, size))
    painter.end()
    file.parent.mkdir(parents=True, exist_ok=True)
    if not image.save(str(file)):
        raise OSError(f"{file} could not be written")


def main(folder: Path) -> None:
    """Write all icons below `folder`."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    application = QGuiApplication(sys.argv[:1])
    for size in SIZES:
        draw(size, folder / "hicolor" / f"{size}x{size}" / "apps" / f"{ICON}.png")
    draw(WINDOW_SIZE, IN_THE_WINDOW)
    draw(1024, folder / "largest.png")
    with Image.open(folder / "largest.png") as largest:
        largest.save(folder / "workbench.ico", sizes=WINDOWS_SIZES)
        largest.save(folder / "workbench.icns")
    application.quit()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
