"""Finds plugins and reads their cards without importing them."""

from workbench.catalog.catalog import Catalog
from workbench.catalog.entry import BrokenPlugin, Entry
from workbench.catalog.loading import USER_PACKAGE, load_object, mount_user_folder

__all__ = ["USER_PACKAGE", "BrokenPlugin", "Catalog", "Entry", "load_object", "mount_user_folder"]
