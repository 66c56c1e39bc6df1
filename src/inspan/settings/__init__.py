"""Where inspan keeps things and how it is set: frozen values, read once at the start.

It reads the environment it is handed and one YAML file; it never knows who asks.
"""

from inspan.settings.places import Places, locate
from inspan.settings.timeouts import TimeoutsFile
from inspan.settings.values import EnvRule, Recording, Retention, Settings, load

__all__ = [
    "EnvRule",
    "Places",
    "Recording",
    "Retention",
    "Settings",
    "TimeoutsFile",
    "load",
    "locate",
]
