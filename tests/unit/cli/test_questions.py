"""A question at the person's own terminal: what else is told meanwhile does not break its line."""

from __future__ import annotations

from typing import Any, cast

import pytest

from inspan.agents.json_lines import line
from inspan.agents.registry import find
from inspan.cli.questions import Questions
from inspan.cli.speech import Speech, hand_of
from inspan.model.session import Output
from inspan.model.task import Needs, Task, TaskSpec, TaskState

pytestmark = pytest.mark.requirement("A11", "C5")

ASKED = "Bash: make — allow? [y/N/text] "
NEEDS = Needs("permission", "Bash: make", ("allow", "deny"), id="r-1")


class Quiet:
    """A control in which nothing else happens."""

    def __init__(self, task: Task) -> None:
        self._task = task

    def get(self, _task: str) -> Task:
        return self._task

    def watch(self, *_: Any, **__: Any) -> Quiet:
        return self

    def recv(self, _timeout: float) -> None:
        return None

    def fileno(self) -> int:
        return -1

    def close(self) -> None:
        """Nothing is held."""


@pytest.fixture
def speech(monkeypatch: pytest.MonkeyPatch) -> Speech:
    monkeypatch.setenv("NO_COLOR", "1")
    claude = find("claude")
    assert claude is not None
    spec = TaskSpec(cwd="/", provider="claude", prompt="do it")
    asks = Task(id="t-1", spec=spec, state=TaskState.WAITING, needs=NEEDS)
    return Speech(claude, asks, hand_of(asks), watched=True)


def _asking(speech: Speech, *, person: bool) -> Questions:
    spec = TaskSpec(cwd="/", provider="claude", prompt="do it")
    questions = Questions("t-1", speech.end_line, person=person)
    speech.before = questions.give_way
    asks = Task(id="t-1", spec=spec, state=TaskState.WAITING, needs=NEEDS)
    questions.begin(cast("Any", Quiet(asks)))
    return questions


def _complains(text: str) -> Output:
    return Output(0, text.encode(), "err")


def test_it_is_put_again_below_what_is_told_meanwhile(
    speech: Speech, capsys: pytest.CaptureFixture[str]
) -> None:
    questions = _asking(speech, person=True)
    show = questions.around(speech.feed)
    assert capsys.readouterr().err == ASKED
    show(_complains("a warning\nand more\n"))
    assert capsys.readouterr().err == f"\na warning\nand more\n{ASKED}"
    show(Output(0, line({"type": "keep_alive"})))  # of which nothing is told
    assert capsys.readouterr().err == ""
    show(_complains("another"))
    assert capsys.readouterr().err == f"\nanother\n{ASKED}"


def test_where_nobody_sits_it_is_told_once(
    speech: Speech, capsys: pytest.CaptureFixture[str]
) -> None:
    questions = _asking(speech, person=False)
    show = questions.around(speech.feed)
    assert "it asks: Bash: make" in capsys.readouterr().err
    show(_complains("a warning\n"))
    assert capsys.readouterr().err == "a warning\n"
