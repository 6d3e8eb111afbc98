"""Everything an operator can set, read once at the start."""

from gatewright.settings.settings import CLOUD, PREFIX, PROXIES, Settings, settable, variable
from gatewright.settings.tags import TAGS, Tag

__all__ = ["CLOUD", "PREFIX", "PROXIES", "TAGS", "Settings", "Tag", "settable", "variable"]
