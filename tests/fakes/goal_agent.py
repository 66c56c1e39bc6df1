"""An agent for goals that costs nothing: it plans, works, reviews and joins as it is told.

``goal_agent.py ROLE``, with the prompt on its standard input. A planner answers with what follows
each ``ANSWER`` of the goal, one after the other. A worker does the lines ``write FILE TEXT`` and
``append FILE TEXT`` of its prompt, and takes out what a review found. A reviewer rejects a change
that adds the word BUG, and leaves one to a person that adds ODD.
"""

from __future__ import annotations

import json
import re
import sys
import time
from pathlib import Path

_MARKS = re.compile(r"^(<<<<<<<|=======|>>>>>>>).*\n", re.MULTILINE)


def plan(prompt: str) -> None:
    """The first answer; the next, where it was told that one could not be used."""
    answers = prompt.partition("\n\nBreak it into steps")[0].split("ANSWER ")[1:]
    again = "could not be used" in prompt
    print("A plan:\n```json\n" + answers[1 if again else 0].strip() + "\n```")


def work(prompt: str) -> None:
    """What its prompt says, unless that is there; and no BUG where one was found."""
    if "git could not join them" in prompt:
        files = prompt.partition("in these files:\n")[2].partition("\n\n")[0]
        for line in files.splitlines():
            file = Path(line.removeprefix("- "))
            file.write_text(_MARKS.sub("", file.read_text()))
        print("They are together.")
        return
    for how, name, text in re.findall(r"^(write|append) (\S+) (.*)$", prompt, re.MULTILINE):
        file = Path(name)
        before = file.read_text() if how == "append" and file.exists() else ""
        said = text.replace(" BUG", "") if _found(prompt) else text
        if said not in before.splitlines():
            kept = "".join(f"{line}\n" for line in before.splitlines() if line != text)
            file.write_text(f"{kept}{said}\n")
    for seconds in re.findall(r"^take (\S+) seconds$", prompt, re.MULTILINE):
        time.sleep(float(seconds))  # a worker that takes its time
    for there in re.findall(r"^await (\S+)$", prompt, re.MULTILINE):
        while not Path(there).exists():
            time.sleep(0.05)  # a worker that is done when somebody says so
    for code in re.findall(r"^fail (\d+)$", prompt, re.MULTILINE):
        sys.exit(int(code))
    print("It is done.")


def _found(prompt: str) -> bool:
    return "Take up these findings" in prompt


def review(prompt: str) -> None:
    """By what the change adds."""
    added = "\n".join(re.findall(r"^\+(.*)$", prompt.partition("The change:")[2], re.MULTILINE))
    verdict = "reject" if "BUG" in added else "ask" if "ODD" in added else "accept"
    findings = [{"file": "a.txt", "line": 1, "what": "a BUG is in it"}]
    told = {"verdict": verdict, "summary": "looked at", "findings": findings}
    print(json.dumps(told))


if __name__ == "__main__":
    {"planner": plan, "worker": work, "reviewer": review}[sys.argv[1]](sys.stdin.read())
