"""Everything that is kept: one store, on SQLite or PostgreSQL."""

from bot.storage.reports import Difference, GivenUp, SetAside
from bot.storage.store import Storage, open_storage

__all__ = ["Difference", "GivenUp", "SetAside", "Storage", "open_storage"]
