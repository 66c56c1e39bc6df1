"""An agent of the Agent Client Protocol that has its client do things: ``filing_agent.py PLAN``.

The plan is a file of JSON lines, each with the method and the parameters of one request, which it
makes one after another when it is prompted. What it is answered, and what it was greeted with, is
kept in ``heard``, in its working folder. A line with ``"wait": NAME`` waits for that file first.
One with ``"ahead": true`` is asked without waiting for its answer. ``$N`` stands for the terminal
that request N, from 0, was answered with.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

SESSION = "filing-1"


def say(**message: object) -> None:
    print(json.dumps({"jsonrpc": "2.0", **message}), flush=True)


def heard(message: dict[str, Any]) -> None:
    with Path("heard").open("a") as file:
        file.write(json.dumps(message) + "\n")


class Work:
    """One turn."""

    def __init__(self) -> None:
        self.cancelled = False
        self._terminals: dict[str, str] = {}
        self._open: set[int] = set()

    def do(self, plan: Path) -> None:
        for number, line in enumerate(plan.read_text().splitlines()):
            step = json.loads(line)
            while "wait" in step and not Path(step["wait"]).exists():
                time.sleep(0.01)
            params = {"sessionId": SESSION, **step["params"]}
            if "terminalId" in params:
                named = params["terminalId"]
                params["terminalId"] = self._terminals.get(named, named)
            say(id=number, method=step["method"], params=params)
            self._open.add(number)
            while not step.get("ahead") and number in self._open:
                self._hear()
        while self._open:
            self._hear()

    def _hear(self) -> None:
        """A reply; everything else is a request that it does not take in the middle of a turn."""
        line = sys.stdin.readline()
        if not line:
            sys.exit(3)
        message: dict[str, Any] = json.loads(line)
        if message.get("method") == "session/cancel":
            self.cancelled = True
        elif message.get("id") in self._open and "method" not in message:
            heard(message)
            self._open.remove(message["id"])
            result = message.get("result") or {}
            self._terminals[f"${message['id']}"] = result.get("terminalId", "")


def main(plan: Path) -> None:
    while line := sys.stdin.readline():
        asked = json.loads(line)
        if "id" not in asked:
            continue
        match asked["method"]:
            case "initialize":
                heard(asked)
                told: dict[str, Any] = {"protocolVersion": 1}
            case "session/new":
                told = {"sessionId": SESSION}
            case _:
                turn = Work()
                turn.do(plan)
                content = {"type": "text", "text": "It is filed."}
                update = {"sessionUpdate": "agent_message_chunk", "content": content}
                say(method="session/update", params={"sessionId": SESSION, "update": update})
                told = {"stopReason": "cancelled" if turn.cancelled else "end_turn"}
        say(id=asked["id"], result=told)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
