"""Where inspan keeps things and how it is set: frozen values, read once at the start.

It reads the environment it is handed and one YAML file; it never knows who asks.
"""

from inspan.settings.places import Places, locate
from inspan.settings.values import EnvRule, Limits, Recording, Retention, Settings, load

__all__ = [
    "EnvRule",
    "Limits",
    "Places",
    "Recording",
    "Retention",
    "Settings",
    "load",
    "locate",
]
