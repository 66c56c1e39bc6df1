"""What confines a task's program: what the user allows all of them, and what one task asks for.

A task can only ask for less. What its program may touch beyond its workspace stands in the user's
settings alone, outside of any folder that it writes to.
"""

from __future__ import annotations

from enum import StrEnum

from inspan.model.value import named_value


class Network(StrEnum):
    """Whom a program can reach; the narrowest last."""

    HOST = "host"  #: whom the user reaches
    NONE = "none"  #: nobody but itself


class Sandboxed(StrEnum):
    """Which tasks are in a sandbox unless it is said otherwise."""

    NONE = "none"
    AGENTS = "agents"
    ALL = "all"


@named_value
class TaskSandbox:
    """That a task is in a sandbox, and how much narrower than the settings have it."""

    network: Network = Network.HOST
    #: Its workspace cannot be written either.
    read_only: bool = False
    #: Absolute paths that it does not see.
    hide: tuple[str, ...] = ()

    def told(self, network: Network) -> str:
        """It in words, with the network that it has in the end."""
        reach = "no network" if network is Network.NONE else "the host's network"
        readable = "its workspace read-only" if self.read_only else ""
        hidden = f"hidden: {', '.join(self.hide)}" if self.hide else ""
        return "; ".join(filter(None, (reach, readable, hidden)))


@named_value
class SandboxRules:
    """What the user's settings say of every sandbox. Paths are absolute, or begin with ``~/``."""

    tasks: Sandboxed = Sandboxed.NONE
    network: Network = Network.HOST
    #: Shown though it is hidden as a rule, and what may be written beside the workspace.
    read: tuple[str, ...] = ()
    write: tuple[str, ...] = ()
    hide: tuple[str, ...] = ()

    def usual(self, *, agent: bool) -> TaskSandbox | None:
        """The sandbox of a task that asks for none."""
        wanted = self.tasks is Sandboxed.ALL or (agent and self.tasks is Sandboxed.AGENTS)
        return TaskSandbox() if wanted else None

    def reach(self, task: TaskSandbox) -> Network:
        """The network that such a task has: the narrower of the two."""
        none = Network.NONE in (self.network, task.network)
        return Network.NONE if none else Network.HOST
