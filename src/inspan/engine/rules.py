"""What the settings say about all tasks, as the engine needs it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from inspan.model.budget import Budget
from inspan.model.memory import MemoryRules
from inspan.model.patience import Backoff, Waits
from inspan.model.permission import Policy
from inspan.model.role import DEFAULT_LIMIT
from inspan.model.task import OnLimit
from inspan.model.timeouts import DEFAULT, Timeouts
from inspan.model.value import field, value


@value(frozen=True, kw_only=True)
class Rules:
    """What the settings say about all tasks."""

    roles: Mapping[str, int] = field(default_factory=dict)
    default_slots: int = DEFAULT_LIMIT
    #: How long things may take, asked whenever that begins to count: it can change.
    timeouts: Callable[[], Timeouts] = lambda: DEFAULT
    #: What agents may do; the rules are for all tasks, the limit for those that set none.
    permissions: Policy = field(default_factory=Policy)
    backoff: Backoff = field(default_factory=Backoff)
    #: How many tasks of a provider may run at once; any number of one that is not here.
    providers: Mapping[str, int] = field(default_factory=dict)
    memory: MemoryRules = field(default_factory=MemoryRules)
    on_limit: OnLimit = OnLimit.FAIL
    waits: Waits = field(default_factory=Waits)
    #: Of an agent's task that names none.
    budget: Budget | None = None
