"""An agent that costs next to nothing: it speaks as Claude Code does, and thinks not at all.

``agent_standin.py HEARD [ARGUMENTS]``. By lines it answers each prompt, `work` with a message every
tenth of a second until it is interrupted; on a terminal it draws a spinner as often, for ever. The
moments at which its prompts came (of the machine's monotonic clock) are added to the file HEARD.
"""

from __future__ import annotations

import json
import select
import sys
import time
from itertools import count
from pathlib import Path

#: Seconds between two messages, or two pictures.
BEAT = 0.1
SESSION = "00000000-0000-4000-8000-000000000001"
FRAMES = "✢✳✶✻✽"


def main(heard: Path, arguments: list[str]) -> None:
    if arguments[:2] == ["auth", "status"]:
        print('{"loggedIn": true}')
    elif "--input-format" in arguments:
        converse(heard)
    else:
        draw(heard)


def note(heard: Path, prompt: str) -> None:
    """That it came, and when."""
    with heard.open("a") as file:
        file.write(json.dumps([time.monotonic(), prompt]) + "\n")


def converse(heard: Path) -> None:
    """Answer until the input ends."""
    say({"type": "system", "subtype": "init", "session_id": SESSION, "model": "none"})
    for line in sys.stdin:
        told = json.loads(line)
        if told.get("type") == "user":
            prompt = told["message"]["content"][0]["text"]
            note(heard, prompt)
            if prompt == "work":
                work()
            message(f"heard {prompt}")
            end()


def work() -> None:
    """Say something at each beat until something is there to be read."""
    for beat in count():
        if select.select([sys.stdin], [], [], BEAT)[0]:
            return
        message(f"This is sentence {beat} of an answer that goes on and on, as they do.")


def message(text: str) -> None:
    usage = {"input_tokens": 120, "output_tokens": 20}
    content = [{"type": "text", "text": text}]
    body = {"id": f"msg_{time.monotonic_ns()}", "role": "assistant", "content": content}
    say({"type": "assistant", "message": {**body, "usage": usage}, "session_id": SESSION})


def end() -> None:
    usage = {"input_tokens": 120, "output_tokens": 20}
    done = {"subtype": "success", "is_error": False, "num_turns": 1, "stop_reason": "end_turn"}
    say({"type": "result", **done, "result": "", "usage": usage, "session_id": SESSION})


def say(told: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(told) + "\n")
    sys.stdout.flush()


def draw(heard: Path) -> None:
    """A spinner above a box for input, as such programs have it."""
    rule = "─" * 78
    note(heard, "")
    sys.stdout.write("\x1b[2J\x1b[H● I look at the tests.\r\n\r\n\r\n" + f"{rule}\r\n❯ \r\n{rule}")
    for beat in count():
        spinner = FRAMES[beat % len(FRAMES)]
        seconds = int(beat * BEAT)
        title = f"\x1b]0;{'⠂⠐'[beat // 10 % 2]} Tests\x07"
        line = f"\x1b[3;1H\x1b[K{spinner} Thinking… ({seconds}s · esc to interrupt)\x1b[5;3H"
        sys.stdout.write(title + line)
        sys.stdout.flush()
        time.sleep(BEAT)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
