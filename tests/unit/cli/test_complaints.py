"""What an agent says on its standard error is told once, and nothing new is kept back."""

from __future__ import annotations

import pytest

from inspan.agents.registry import find
from inspan.cli.complaints import Complaints
from inspan.cli.speech import Speech, hand_of
from inspan.model.agent import Mode
from inspan.model.session import Output
from inspan.model.task import Task, TaskSpec, TaskState

pytestmark = pytest.mark.requirement("A11", "C8")

#: What Gemini CLI 0.61.0 prints before its first word.
GEMINI = (
    "YOLO mode is enabled. All tool calls will be automatically approved.\n"
    "YOLO mode is enabled. All tool calls will be automatically approved.\n",
    "Ripgrep is not available. Falling back to GrepTool.\n",
    "YOLO mode is enabled. All tool calls will be automatically approved.\n",
    "Ripgrep is not available. Falling back to GrepTool.\n",
    "[STARTUP] Phase 'cli_startup' was started but never ended. Skipping metrics.\n",
)


def test_what_is_repeated_before_anything_else_is_said_is_told_once() -> None:
    complaints = Complaints()
    told = "".join(map(complaints.new, GEMINI)).splitlines()
    assert len(told) == len(set(told)) == 3
    assert set(told) == set("".join(GEMINI).splitlines())


def test_after_something_else_it_is_news_again() -> None:
    complaints = Complaints()
    assert complaints.new("disk full\n") == "disk full\n"
    assert complaints.new("disk full\n") == ""
    complaints.heard()
    assert complaints.new("disk full\n") == "disk full\n"


def test_lines_that_belong_to_a_new_one_are_told_with_it() -> None:
    complaints = Complaints()
    first, second = "Error: one\n    at run\n\n", "Error: two\n    at run\n\n"
    assert complaints.new(first + second) == first + second
    assert complaints.new(first + second) == ""


def test_what_ends_with_a_bracket_of_its_own_keeps_it() -> None:
    complaints = Complaints()
    told = "ApiError {\n  status: 401\n}\nError handling request {\n  code: 401\n}\n"
    assert complaints.new(told) == told
    assert complaints.new(told) == ""


def test_no_more_is_remembered_than_is_worth_it() -> None:
    complaints = Complaints()
    flood = "".join(f"line {number}\n" for number in range(10_000))
    assert complaints.new(flood) == flood
    assert complaints.new("line 9999\n") == ""
    assert complaints.new("line 1\n") == "line 1\n"


def test_a_person_reads_a_warning_of_gemini_once(capsys: pytest.CaptureFixture[str]) -> None:
    gemini = find("gemini")
    assert gemini is not None
    spec = TaskSpec(cwd="/", provider="gemini", prompt="do it", mode=Mode.ACP)
    task = Task(id="01jd0000000000000000abcdef", spec=spec, state=TaskState.RUNNING)
    speech = Speech(gemini, task, hand_of(task), watched=True)
    offset = 0
    for text in GEMINI:
        speech.feed(Output(offset, text.encode(), "err"))
        offset += len(text)
    speech.close()
    seen = capsys.readouterr()
    assert seen.err.count("YOLO") == seen.err.count("Ripgrep") == seen.err.count("STARTUP") == 1
    assert not seen.out
