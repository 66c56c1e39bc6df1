"""What a model does in a story, beat by beat: one beat is what a person's prompt brings about.

Answers quote what looks like a question, a prompt or a spinner, since real ones do. Nothing here
knows an agent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from tests.agents.endpoint.scenario import (
    Ask,
    Execute,
    Hang,
    Refusal,
    Refuse,
    Say,
    Slowly,
    Turn,
    Write,
)


@dataclass(frozen=True)
class Beat:
    """``kind``: hang: stopped by a person after some seconds; ask: a person is asked first."""

    prompt: str
    kind: Literal["say", "hang", "tool", "ask", "refused"]
    turns: tuple[Turn, ...]
    #: What the label says beside the state.
    situation: str
    #: The answer to what is asked.
    allow: bool = True


@dataclass(frozen=True)
class Story:
    """``ask``: as in a ``Wish``."""

    beats: tuple[Beat, ...]
    ask: bool = False


_PLAN = """\
Here is what I found in the **three** places that matter:

1. `reader.py` opens the file twice, and closes it once.
2. `writer.py` waits for a lock that nobody holds.
3. The tests never run the second branch.

```python
def ask(question: str) -> bool:
    answer = input(f"{question} [y/N] ")
    return answer.strip().lower() == "y"
```

I shall begin with the first of them, and then look at the others again."""
_QUOTED = """\
The script prints this, and then it stops:

    Do you want to continue? (y/n)
    > 1. Yes
      2. No, and say why
    Press enter to confirm or esc to cancel

That is line 41 of `install.sh`. It hangs there because nobody types anything. The spinner that you
saw (`⠋ Working… 12s · esc to interrupt`) is drawn by the wrapper, and says nothing."""
_TABLE = """\
| file | lines | covered |
|------|-------|---------|
| a.py | 120   | 98 %    |
| b.py | 48    | 12 %    |

## What follows

- Cover `b.py` first: *most* of what fails is there.
- Leave `a.py` alone.

> Everything else can wait until next week."""
_ASKING = """\
There are two ways to go on: I can rename the function everywhere, or leave an alias behind.

Which of the two would you like me to take?"""
_LONG = "\n".join(f"{number}. Step {number} of the plan takes a while." for number in range(1, 31))
_CODE = """\
def total(prices: list[float], rate: float = 0.2) -> float:
    \"\"\"Do you want the tax with it?\"\"\"
    return sum(prices) * (1 + rate)


if __name__ == "__main__":
    print(total([1.0, 2.5, 4.0]))
"""
_CONFIG = "\n".join(f"option_{number} = {number * 7}" for number in range(28)) + "\n"
_PIPE = (
    "find . -name '*.py' -newer setup.cfg -print0 | xargs -0 grep -n 'TODO' | sort | uniq -c "
    "| sort -rn | head -20 > todo.txt"
)
_LINES = 'for n in 1 2 3 4 5; do echo "Proceed with $n? [y/N]"; sleep 1; done'

WORK: Final = Story(
    (
        Beat("find out why the build is slow", "hang", (Hang(),), "thinking"),
        Beat("explain the plan", "say", (Slowly(_PLAN, 0.07),), "streaming"),
        Beat(
            "count the lines",
            "tool",
            (Execute("sleep 5; seq 1 40"), Say("There are forty of them.")),
            "command",
        ),
        Beat("why does install.sh hang?", "say", (Say(_QUOTED),), "streaming"),
        Beat("make a new module", "tool", (Write("total.py", _CODE), Say("Done.")), "command"),
        Beat("shall we rename it?", "say", (Say(_ASKING),), "streaming"),
        Beat("run the installer", "tool", (Execute(_LINES), Say(_TABLE)), "command"),
        Beat("list every step", "say", (Slowly(_LONG, 0.03),), "streaming"),
        Beat("and think it over again", "hang", (Hang(),), "thinking"),
    )
)
ASKS: Final = Story(
    (
        Beat(
            "mark the release",
            "ask",
            (Execute("touch released.txt", outside=True), Say("It is marked.")),
            "permission",
        ),
        Beat(
            "collect the open points",
            "ask",
            (Execute(_PIPE, outside=True), Say("Then I leave it.")),
            "permission",
            allow=False,
        ),
        Beat(
            "add the module", "ask", (Write("total.py", _CODE), Say("It is added.")), "permission"
        ),
        Beat(
            "choose a colour",
            "ask",
            (Ask("Which colour shall it have?", ("Red", "Green", "Blue")), Say("So be it.")),
            "question",
            allow=False,
        ),
        Beat(
            "write the settings",
            "ask",
            (Write("settings.ini", _CONFIG), Say("Then not.")),
            "permission",
            allow=False,
        ),
        Beat(
            "wait for the server",
            "ask",
            (Execute("sleep 4; echo up", outside=True), Say(_TABLE)),
            "permission",
        ),
        Beat("think about the rest", "hang", (Hang(),), "thinking"),
    ),
    ask=True,
)
MORE: Final = Story(
    (
        Beat(
            "remove the old files",
            "ask",
            (Execute("rm -rf build dist && echo removed", outside=True), Say("They are gone.")),
            "permission",
        ),
        Beat(
            "say it in two files",
            "ask",
            (Write("notes/one.md", _QUOTED), Write("notes/two.md", _TABLE), Say("Both are there.")),
            "permission",
        ),
        Beat(
            "how shall we deploy?",
            "ask",
            (
                Ask(
                    "How shall the new version be rolled out?",
                    ("All at once", "One region after another", "Not before Monday"),
                ),
                Say("Understood."),
            ),
            "question",
            allow=False,
        ),
        Beat(
            "install what is missing",
            "ask",
            (Execute("npm install --save-dev left-pad@1.3.0", outside=True), Say("Then not.")),
            "permission",
            allow=False,
        ),
        Beat("tell me about the tests", "say", (Slowly(_TABLE, 0.1),), "streaming"),
        Beat(
            "print the message",
            "ask",
            (Execute("cat <<'END'\nOne line.\nAnother line.\nEND", outside=True), Say(_QUOTED)),
            "permission",
        ),
    ),
    ask=True,
)
_BUSY = Refuse(Refusal.RATE_LIMITED, 2)
TROUBLE: Final = Story(
    (
        Beat("summarise the log", "say", (_BUSY, _BUSY, Say(_TABLE)), "retrying"),
        Beat("read it once more", "say", (Slowly(_QUOTED, 0.06),), "streaming"),
        Beat("and now the other one", "refused", (Refuse(Refusal.UNAUTHORIZED),), "error"),
    )
)
#: For an agent that tries only once more.
BOTHER: Final = Story(
    (
        Beat("summarise the log", "say", (_BUSY, Say(_TABLE)), "retrying"),
        *TROUBLE.beats[1:],
    )
)
_LENGTHY = """\
Before I go on I would like to be sure that I have understood you. The importer reads each file
twice, once for its header and once for its rows, and the second time it trusts the first. Shall it
check the header again, though that costs a little, or shall I only note in the code that it \
does not?"""
#: For an agent whose model asks a person in words, and that asks nothing by itself.
QUERIES: Final = Story(
    (
        Beat(
            "choose a colour",
            "ask",
            (Ask("Which colour shall it have?", ("Red", "Green", "Blue")), Say("So be it.")),
            "question",
        ),
        Beat(
            "tidy up the branches",
            "ask",
            (
                Ask("Delete the three branches that are merged?", ("yes", "no")),
                Execute("sleep 3; echo deleted"),
                Ask("The fourth is not merged. Delete it as well?", ("yes", "no")),
                Say(_TABLE),
            ),
            "question",
        ),
        Beat(
            "look at the importer",
            "ask",
            (Ask(_LENGTHY, ("check", "note")), Slowly(_QUOTED, 0.05)),
            "question",
        ),
        Beat(
            "name the release",
            "ask",
            (Ask("What shall the release be called?", ("Heron", "something else")), Say("Fine.")),
            "question",
            allow=False,
        ),
        Beat(
            "how shall we deploy?",
            "ask",
            (
                Write("total.py", _CODE),
                Ask(
                    "How shall the new version be rolled out?",
                    ("All at once", "One region after another", "Not before Monday"),
                ),
                Say(_PLAN),
            ),
            "question",
        ),
        Beat(
            "set up the database",
            "ask",
            (
                Ask("Which port does it listen on?", ("5432", "another one")),
                Ask("And who may write to it?", ("everybody", "the service only")),
                Say("Understood."),
            ),
            "question",
        ),
    ),
    ask=True,
)
#: For an agent that draws all that was said with every word: whole stories would take megabytes.
BRIEF: Final = Story(WORK.beats[:4])
FEW: Final = Story(ASKS.beats[:4], ask=True)
STORIES: Final[Mapping[str, Story]] = {
    "work": WORK,
    "brief": BRIEF,
    "few": FEW,
    "asks": ASKS,
    "more": MORE,
    "trouble": TROUBLE,
    "bother": BOTHER,
    "queries": QUERIES,
}
