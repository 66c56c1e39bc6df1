"""A scripted agent of the Agent Client Protocol that has inspan do things, under a real daemon."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
from pathlib import Path
from typing import Any, TypeAlias

from tests.real.console import Console
from tests.real.daemon import until

AGENT = Path(__file__).parents[1] / "fakes" / "filing_agent.py"
#: A method and its parameters.
Step: TypeAlias = tuple[str, dict[str, Any]]


class Filer:
    """A console with the agent declared, and a workspace."""

    def __init__(self, console: Console, work: Path) -> None:
        self.console = console
        self.work = work
        # In a sandbox it sees little else.
        (work / "agent").mkdir(parents=True)
        self._plan = work / "agent" / "plan"
        program = shutil.copy(AGENT, work / "agent")
        argv = f"[{sys.executable}, {program}, {self._plan}]"
        declared = f"providers: {{filer: {{argv: {argv}, mode: acp}}}}\n"
        (console.home / "config.yaml").write_text(declared)

    def begin(self, *steps: Step, flags: tuple[str, ...] = ()) -> str:
        """Have it do these one after another; the task's id."""
        lines = [json.dumps({"method": method, **_step(params)}) for method, params in steps]
        self._plan.write_text("\n".join(lines))
        where = ("--agent", "filer", "--cwd", str(self.work))
        return self.console.say("add", *where, *flags, "do it")

    def told(self, *steps: Step, flags: tuple[str, ...] = ()) -> list[Any]:
        """What it was answered: results, or the messages of errors."""
        task = self.begin(*steps, flags=flags)
        until(lambda: self.shown(task)["state"] == "completed", "its end")
        return self.answers()

    def answers(self, where: Path | None = None) -> list[Any]:
        _, *heard = map(json.loads, ((where or self.work) / "heard").read_text().splitlines())
        return [one["result"] if "result" in one else one["error"]["message"] for one in heard]

    def greeting(self) -> dict[str, Any]:
        line = (self.work / "heard").read_text().splitlines()[0]
        offered: dict[str, Any] = json.loads(line)["params"]["clientCapabilities"]
        return offered

    def shown(self, task: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.console.say("show", "--json", task))
        return found

    def asks(self, task: str, question: str) -> None:
        until(lambda: self.shown(task)["state"] == "waiting", "its question")
        assert self.shown(task)["needs"]["question"] == question

    def kill_daemon(self) -> None:
        """As the system would, without a word."""
        daemon = json.loads(self.console.say("status", "--json"))["daemon"]["pid"]
        os.kill(daemon, signal.SIGKILL)


def _step(params: dict[str, Any]) -> dict[str, Any]:
    """What is for the agent itself apart from what it asks."""
    own = {name: params[name] for name in ("wait", "ahead") if name in params}
    return {**own, "params": {name: params[name] for name in params if name not in own}}
