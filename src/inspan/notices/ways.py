"""Which way leads to a target. What travels there, and when, is not known here."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from inspan.model.notice import Command, Desktop, Target, Webhook
from inspan.notices.programs import Calling, Showing, desktop
from inspan.notices.reaching import Clock, Way, Web


def way_of(
    target: Target,
    *,
    web: Web,
    clock: Clock,
    look_up: Callable[[str], str],
    env: Mapping[str, str],
) -> Way:
    """The way to ``target``; programs get ``env``. Raises Unable where the desktop has none."""
    match target.way:
        case Webhook() as hook:
            from inspan.notices.webhook import Posting  # noqa: PLC0415 - most have no webhook

            return Posting(hook, web, clock, look_up)
        case Command(argv=argv):
            return Calling(argv, clock, env)
        case Desktop():
            return Showing(desktop(env), env)
