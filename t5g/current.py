"""The settings that the jobs of this process work with.

A job gets names and numbers only. In a worker the settings are those it was started with; anywhere
else they are read from the environment.
"""

from contextvars import ContextVar

from t5g.settings import Settings, load_settings

SETTINGS: ContextVar[Settings | None] = ContextVar("settings", default=None)


def current_settings() -> Settings:
    """Return the settings of this worker."""
    return SETTINGS.get() or load_settings()
