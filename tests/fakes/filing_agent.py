"""An agent of the Agent Client Protocol that has its client do things: ``filing_agent.py PLAN``.

The plan is a file of JSON lines, each with the method and the parameters of one request, which it
makes one after another when it is prompted. What it is answered, and what it was greeted with, is
kept in ``heard``, in its working folder. A line with ``"wait": NAME`` waits for that file first.
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


def answer_to(number: int) -> dict[str, Any]:
    """The reply; everything else is a request that it does not take in the middle of a turn."""
    for line in sys.stdin:
        message: dict[str, Any] = json.loads(line)
        if message.get("id") == number and "method" not in message:
            return message
    sys.exit(3)


def work(plan: Path) -> None:
    for number, line in enumerate(plan.read_text().splitlines()):
        step = json.loads(line)
        while "wait" in step and not Path(step["wait"]).exists():
            time.sleep(0.01)
        say(id=number, method=step["method"], params={"sessionId": SESSION, **step["params"]})
        heard(answer_to(number))


def main(plan: Path) -> None:
    for line in sys.stdin:
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
                work(plan)
                content = {"type": "text", "text": "It is filed."}
                update = {"sessionUpdate": "agent_message_chunk", "content": content}
                say(method="session/update", params={"sessionId": SESSION, "update": update})
                told = {"stopReason": "end_turn"}
        say(id=asked["id"], result=told)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
