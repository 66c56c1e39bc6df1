"""What is asked at a prompt that looks other than those at which prompts were sent, drawn by hand.

Who prints line by line asks so: a question, the words of a command or a list, and below it a sign.
Where prompts were sent behind other signs no rule may call that rest, whatever is said above.
"""

from pathlib import Path

import pytest

from inspan.model.activity import Activity, Doing
from inspan.providers.screenrules import rulebook
from inspan.terminal.playback import Playback
from inspan.terminal.replay import Replay
from inspan.terminal.screen import backend
from tests.fakes.recordings import Step, record

pytestmark = pytest.mark.requirement("B4")

#: A prompt at rest, and what is drawn behind it.
RESTS = {
    "above a line": ("❯ ", f"\r\n{'─' * 76}\x1b[1A\r\x1b[2C"),
    "named": ("you> ", ""),
    "a branch": ("(main) $ ", ""),
    "above a status": ("❯ ", "\r\n  model-1  12 tokens  /help\x1b[1A\r\x1b[2C"),
}
LINE = "─" * 40
ASKED = {
    "in a frame, with what is taken otherwise": (
        LINE,
        "The model has a question:",
        LINE,
        "The shell command contains dangerous operations (rm):",
        "",
        "  rm -f stale.lock",
        "",
        "Allow execution?",
        "",
        "Options:",
        "  1. yes",
        "  2. no",
        "",
        "[Default: no] (auto-applied in 120s)",
        LINE,
    ),
    "a question below a command": ("The agent wants to run:", "", "    rm -rf build", "", "Allow?"),
    "a question above a command": ("Approve this command?", "  $ rm -rf build", ""),
    "what the letters mean": ("Run `rm -rf build`? (y/N/a)", "(y is once, a is always)"),
    "a hint below": ("│ rm -rf build │", "Approve it?", "Tip: start with --yes to skip this."),
    "no question": ("About to execute: rm -rf build",),
    "what will be": ("The following command will be executed:", "  rm -rf build", ""),
    "a request": ("Confirm: write 28 lines to settings.ini",),
    "a note below options": ("Options:", "  1. Run", "  2. Edit", "", "Note: it deletes files"),
    "a sentence below": ("Arguments: rm", "OK to go on?", "Unanswered it is refused soon."),
    "a default": ("Overwrite settings.ini?", "[default: no]"),
    "words below one another": ("May I delete build/?", " - yes", " - no", "Empty is no."),
}


def said(
    folder: Path, rest: str, rows: tuple[str, ...], prompt: str, *, alone: bool = False
) -> list[Activity]:
    """What is said once two prompts were sent and these rows came, with a prompt below.

    ``alone``: that prompt came seconds after the rows, and nothing with it.
    """
    mark, behind = RESTS[rest]
    steps: list[Step] = [(1.0, (80, 30)), (2.0, f"agent 1.0\r\n\r\n{mark}{behind}".encode())]

    def send(at: float, words: str, *answer: str) -> None:
        for number, letter in enumerate(words):
            steps.append((at + number / 50, (letter.encode(),)))
            steps.append((at + number / 50 + 0.005, letter.encode()))
        steps.append((at + 1.0, (b"\r",)))
        shown = "\r\n".join((f"\r\x1b[J{mark}{words}", *answer, ""))
        steps.append((at + 1.1, shown.encode()))

    send(5.0, "mark the release", "I shall do so.", "", "It is marked.", "")
    steps.append((6.2, f"{mark}{behind}".encode()))
    send(10.0, "collect the points", "I shall do so.", "")
    steps.append((12.5, ("\r\n".join(rows) + "\r\n").encode()))
    if alone:
        steps.append((12.6, f"{mark}{behind}".encode()))
    drawn = f"\r\x1b[J{prompt}" if alone else prompt
    steps += [(18.0 if alone else 12.6, drawn.encode()), (24.0, b"\x1b[m")]
    replay = Replay(Playback(record(folder, steps)), [rulebook("generic")], backend())
    every = list(replay.activities())
    return [each for each in every if each.since > 13.0] or every[-1:]


@pytest.mark.parametrize("prompt", ["    ❯ ", "  > ", "? ", "$ ", ": ", "» ", ">> "])
@pytest.mark.parametrize("asked", ASKED)
def test_what_is_asked_at_another_prompt_is_no_rest(
    tmp_path: Path, asked: str, prompt: str
) -> None:
    for number, rest in enumerate(RESTS):
        every = said(tmp_path / str(number), rest, ASKED[asked], prompt)
        assert every[-1].doing is Doing.WAITING
        assert Doing.IDLE not in [each.doing for each in every]


def test_what_is_asked_there_is_read(tmp_path: Path) -> None:
    rows = ASKED["in a frame, with what is taken otherwise"]
    needs = said(tmp_path / "r", "above a line", rows, "    ❯ ")[-1].needs
    assert needs is not None
    assert needs.question == "Allow execution?"
    assert needs.options[-2:] == ("yes", "no")


@pytest.mark.parametrize(
    "rows",
    [
        ("That is done.",),
        ("What follows:", "  1. Cover b.py", "  2. Leave a.py", "  3. Ship it"),
        ("It is added.", "Which of them shall I take next?"),
    ],
)
def test_the_prompt_at_which_prompts_are_sent_is_rest_whatever_was_said(
    tmp_path: Path, rows: tuple[str, ...]
) -> None:
    for number, (rest, (mark, behind)) in enumerate(RESTS.items()):
        every = said(tmp_path / str(number), rest, rows, mark + behind)
        assert every[-1].doing is Doing.IDLE


@pytest.mark.parametrize("prompt", ["(fix/a-b) $ ", "(main) $ "])
def test_another_branch_or_folder_is_the_same_prompt(tmp_path: Path, prompt: str) -> None:
    every = said(tmp_path / "r", "a branch", ("Which of them shall I take next?",), prompt)
    assert every[-1].doing is Doing.IDLE


def test_a_prompt_that_changes_by_itself_asks_nothing(tmp_path: Path) -> None:
    rows = ("It is added.", "Which of them shall I take next?")
    every = said(tmp_path / "r", "named", rows, "[plan] > ", alone=True)
    assert every[-1].doing is Doing.IDLE


@pytest.mark.parametrize("asked", ["no question", "a request", "a default"])
def test_what_leads_to_a_question_is_no_rest_at_the_usual_prompt(
    tmp_path: Path, asked: str
) -> None:
    mark, behind = RESTS["above a line"]
    every = said(tmp_path / "r", "above a line", ASKED[asked], mark + behind)
    assert Doing.IDLE not in [each.doing for each in every]


def test_what_asks_nothing_at_another_prompt_is_not_known(tmp_path: Path) -> None:
    every = said(tmp_path / "r", "named", ("That is done.",), "  ❯ ")
    assert every[-1].doing is Doing.UNKNOWN
