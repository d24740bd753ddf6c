"""Putting a plugin that a person dropped on the window into their plugin folder."""

from __future__ import annotations

import shutil
import tempfile
import zipfile
from pathlib import Path, PurePosixPath

from workbench.catalog.cards import CardError, read_card
from workbench.sdk import UserError

MAXIMUM_BYTES = 200 * 2**20
"""A plugin is code, a few pictures and small data; more than this unpacked is refused."""


def install_plugin(source: Path, user_folder: Path) -> Path:
    """Copy a plugin folder, or unpack a zip that holds one, and return its new folder.

    Nothing is imported. Raises UserError with one sentence, leaving everything as it was.
    """
    user_folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=user_folder, prefix=".installing-") as temporary:
        staging = Path(temporary) / "plugin"
        if source.is_dir():
            _bound(sum(file.stat().st_size for file in source.rglob("*") if file.is_file()), source)
            shutil.copytree(source, staging / source.name, ignore=shutil.ignore_patterns("__pycache__", ".*"))
        else:
            _unpack(source, staging)
        cards = sorted(staging.rglob("plugin.toml"), key=lambda card: len(card.parts))
        if not cards:
            raise UserError(f"{source.name} holds no plugin.toml, so it is not a plugin.")
        try:
            card = read_card(cards[0], "unread")
        except CardError as error:
            raise UserError(str(error)) from None
        target = user_folder / card.id
        if target.exists():
            shutil.rmtree(target)
        shutil.move(cards[0].parent, target)
    return target


def _bound(size: int, source: Path) -> None:
    if size > MAXIMUM_BYTES:
        raise UserError(f"{source.name} is {size / 2**20:.0f} MB unpacked; a plugin may have {MAXIMUM_BYTES >> 20} MB.")


def _unpack(source: Path, target: Path) -> None:
    try:
        with zipfile.ZipFile(source) as archive:
            _bound(sum(member.file_size for member in archive.infolist()), source)
            for member in archive.infolist():
                path = PurePosixPath(member.filename.replace("\\", "/"))
                if path.is_absolute() or ".." in path.parts or ":" in path.parts[0]:
                    raise UserError(f"{source.name} holds the path {member.filename!r} outside its folder: refused.")
            archive.extractall(target)
    except (zipfile.BadZipFile, OSError) as error:
        raise UserError(f"{source.name} is neither a folder nor a readable zip: {error}.") from None
