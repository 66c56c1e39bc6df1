"""What a new workspace gets beside its files, as the user's settings say. Values only.

Only the settings say it, which are the user's own: what a repository says of itself counts for
nothing here, since anybody may have written it.
"""

from __future__ import annotations

from typing import Final

from inspan.model.value import named_value

#: So many ports may one have.
PORTS_MOST: Final = 1000


@named_value
class Outfit:
    """Files that are copied into it, how many ports are its own, and commands that set it up."""

    #: Patterns of git's own kind, from the top of the checkout; only what git ignores is copied.
    copy: tuple[str, ...] = ()
    ports: int = 10
    setup: tuple[str, ...] = ()
    #: Seconds that each of them may take; ``None`` for no limit.
    setup_timeout: float | None = 300.0


#: For who has no settings.
NOTHING: Final = Outfit(ports=0)
