"""A program that speaks as Claude Code does: each turn lasts until its gate is opened.

`turning_agent.py`: turn N, from 1, ends when there is a file ``go-N`` in its working folder. What
it is sent is kept in ``heard``. It knows only the lines that it needs.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

SESSION = "00000000-0000-4000-8000-000000000001"


def say(**message: object) -> None:
    print(json.dumps({"session_id": SESSION, **message}), flush=True)


def turn(number: int) -> None:
    say(type="system", subtype="init", model="scripted")
    while not Path(f"go-{number}").exists():
        time.sleep(0.01)
    content = [{"type": "text", "text": f"Turn {number} is done."}]
    say(type="assistant", message={"id": f"m-{number}", "role": "assistant", "content": content})
    used = {"input_tokens": 1, "output_tokens": 1}
    say(type="result", subtype="success", is_error=False, num_turns=1, result="", usage=used)


def main() -> None:
    number = 0
    with Path("heard").open("ab", buffering=0) as heard:
        for line in sys.stdin.buffer:
            heard.write(line)
            if json.loads(line)["type"] == "user":
                number += 1
                turn(number)


if __name__ == "__main__":
    main()
