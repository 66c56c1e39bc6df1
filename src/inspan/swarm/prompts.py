"""What planner, worker and reviewer are asked: plain words, and the form of what they answer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from inspan.model.goal import PlanStep

#: Of a diff this many characters are shown to a reviewer: the whole lies in its folder.
_DIFF_MOST: Final = 200_000

_PLAN: Final = """\
You plan work on the repository in the current folder; others will do it. Read what you need, and
change nothing.

The goal:
{goal}

Break it into steps that one engineer can do alone in one sitting, each in a copy of the repository
that has the results of the steps it waits for. Steps that do not need one another are done at the
same time, so that two of them should not change the same files. As few steps as make sense; one is
fine. Each prompt has to be understood without the goal and without the other steps.

Answer with one JSON object and nothing else:
{{"summary": "one sentence",
 "steps": [{{"name": "short-name-of-letters-digits-dashes", "title": "one line",
            "prompt": "what to do, and how one sees that it is done",
            "after": ["names of steps that have to be done first"],
            "minutes": 10, "files": ["paths that will likely change"]}}]}}
"""
_AGAIN: Final = """
Your last answer could not be used: {why}
Answer again, with the whole JSON object.
"""
_WORK: Final = """\
{prompt}

You work in a copy of the repository of your own. Others work on the rest of this goal at the same
time: do what is asked here and no more. What is there was done before you, as far as you need it.
There is no need to commit. End with a short summary of what you did.

The goal that this is a step of: {goal}
"""
_REVIEW: Final = """\
You review the work of somebody else. The current folder is the repository with that work in it;
change nothing there. Judge whether it does what was asked, wholly and without harm to the rest.
Run the tests if there are any.{checks}

What was asked:
{asked}

The change:
```diff
{diff}
```

Answer with one JSON object and nothing else:
{{"verdict": "accept", "reject" or "ask", "summary": "one sentence",
 "findings": [{{"file": "path", "line": 1, "what": "what is wrong, and what would be right"}}]}}
"reject" sends it back with your findings; "ask" leaves it to a person. What is a matter of taste is
no reason to reject.
"""
_RESOLVE: Final = """\
Two changes of this repository were merged, and git could not join them in these files:
{files}

They have git's conflict marks (<<<<<<<, =======, >>>>>>>). Bring both sides together so that each
does what it was made for, and leave no mark. Change nothing else. There is no need to commit.

What one side already has: the steps {done}.
What the other side is:
{asked}
"""


def plan(goal: str, complaint: str = "") -> str:
    """For the planner; ``complaint`` is what was wrong with its last answer."""
    return _PLAN.format(goal=goal) + (_AGAIN.format(why=complaint) if complaint else "")


def work(goal: str, step: PlanStep, before: Mapping[str, str]) -> str:
    """For the worker; ``before``: what the steps that it builds on say of themselves."""
    asked = _WORK.format(prompt=step.prompt, goal=goal)
    told = "".join(f"\n- {name}: {text}" for name, text in before.items() if text)
    return f"{asked}\nWhat was done before:{told}\n" if told else asked


def review(asked: str, diff: str, checks: Sequence[str], complaint: str = "") -> str:
    """For the reviewer."""
    shown = diff
    if len(diff) > _DIFF_MOST:
        shown = f"{diff[:_DIFF_MOST]}\n(cut here: `git diff HEAD~1` shows all of it)"
    ran = "".join(f"\n  {check}" for check in checks)
    told = f" These have passed already:{ran}" if checks else ""
    text = _REVIEW.format(asked=asked, diff=shown, checks=told)
    return text + (_AGAIN.format(why=complaint) if complaint else "")


def resolve(asked: str, files: Sequence[str], done: Iterable[str]) -> str:
    """For whoever brings two sides together."""
    names = "\n".join(f"- {file}" for file in files)
    return _RESOLVE.format(files=names, done=", ".join(done) or "before it", asked=asked)
