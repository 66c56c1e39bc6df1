"""What attempts work with: the engine's parts, as each attempt is handed them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from inspan.engine.aftermath import Aftermath
from inspan.engine.crowding import Crowding
from inspan.engine.housing import Workspaces
from inspan.engine.ledger import Ledger
from inspan.engine.patrol import Patrol
from inspan.engine.ports import Clock, Keep, Provider
from inspan.model.permission import Policy
from inspan.model.timeouts import Timeouts
from inspan.model.value import value


@value(frozen=True, kw_only=True)
class Means:
    """What an attempt works with; the engine hands the same one to all."""

    ledger: Ledger
    providers: Mapping[str, Provider]
    workspaces: Workspaces
    keep: Keep
    clock: Clock
    patrol: Patrol
    #: Start something that must go on when its caller is gone, under the engine's own roof.
    spawn: Callable[[Callable[[], Awaitable[None]]], None]
    #: Whether a person types into the terminal of a session.
    is_typed_into: Callable[[str], bool]
    timeouts: Callable[[], Timeouts]
    permissions: Policy
    aftermath: Aftermath
    crowding: Crowding
