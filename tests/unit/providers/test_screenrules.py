import re
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from inspan.errors import BadInput, ProviderNotFound
from inspan.model.activity import Activity, Confidence, Doing, Source
from inspan.model.task import Needs
from inspan.providers.screenrules import names, rulebook, rulebooks
from inspan.terminal.playback import Playback
from inspan.terminal.replay import Replay
from inspan.terminal.rulefile import parse
from inspan.terminal.screen import backend
from inspan.terminal.view import View
from tests.fakes.recordings import Step, record

ROOT = Path(__file__).parents[3]
pytestmark = pytest.mark.requirement("B4")


def test_every_file_is_a_rulebook_of_its_name() -> None:
    assert {"generic", "claude", "codex", "gemini"} <= set(names())
    for name in names():
        book = rulebook(name)
        assert book.name == name
        assert all(rule.source in (Source.TITLE, Source.SCREEN) for rule in book.rules)


def test_the_example_of_the_documents_is_a_rulebook() -> None:
    page = (ROOT / "docs/state-detection.md").read_text("utf-8")
    first, second = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    rows = ("─" * 30, "  Do you want to go on?", "  ❯ 1. Yes", "    2. No")
    verdict = parse(first, "example.toml").judge(View(rows=rows, title="✳ x", now=1.0))
    assert verdict.needs == Needs("permission", "Do you want to go on?", ("Yes", "No"))
    named = parse(f'agent = "example"\n{second}', "example.toml")
    asked = View(rows=(" ❯ Yes, once", "   No", "> "))
    verdict = named.judge(asked)
    assert verdict.needs == Needs("question", "❯ Yes", ("Yes, once",))
    assert named.judge(replace(asked, cursor=(2, 2))).doing is Doing.UNKNOWN


def test_an_agent_without_rules_has_those_for_any_program() -> None:
    assert [book.name for book in rulebooks("claude")] == ["claude"]
    assert [book.name for book in rulebooks("nano")] == ["generic"]
    with pytest.raises(ProviderNotFound):
        rulebook("nano")


def seen(folder: Path, *steps: Step, name: str = "generic") -> Activity:
    """The activity at the end of a recording."""
    playback = Playback(record(folder, [(1.0, (60, 8)), *steps]))
    return list(Replay(playback, [rulebook(name)], backend()).activities())[-1]


def drawn(*rows: str) -> bytes:
    return b"\x1b[2J\x1b[H" + "\r\n".join(rows).encode()


#: As the common libraries draw them, with the cursor hidden and elsewhere.
DIALOGS = {
    "buttons of a dialog over all": (
        "  name                 12:00:00",
        "      ╭──────────────────────────────╮",
        "      │  The agent wants to run it   │",
        "      │    Approve         Deny      │",
        "      ╰──────────────────────────────╯",
        " │ What shall we build?           │",
    ),
    "a field in a dialog over all": (
        " text ┌──────────────────────────────┐",
        "      │ What is it called?           │",
        "      │  ┌────────────────────────┐  │",
        "      │  │ A name                 │  │",
        "      │  └────────────────────────┘  │",
        "      │      Enter to continue       │",
        "      └──────────────────────────────┘",
        " >",
    ),
    "a list in a dialog over all": (
        "      ┌──────────────────────────────┐",
        "      │ ▊ Allow once              ▎  │",
        "      │ ▊ Allow for this session  ▎  │",
        "      │ ▊ Deny                    ▎  │",
        "      └──────────────────────────────┘",
        " │ What shall we build?           │",
    ),
    "a list with a key of each": ("Approve it?", "> [a] Approve", "  [r] Reject"),
    "a question with (y/n)": ("I want to run ls", "", " Run this command? (y/n)", " 3s"),
    "keys that answer": ("Tool: ls", "", " (a)llow  (d)eny  (A)lways"),
    "what to press": ("Execute ls?", "Press y to approve, n to deny, or e to edit"),
    "a list of any words": ("Which colour?", "  ❯ Red", "    Green", "    Blue"),
    "a list of words in a box": (
        "╭──────────────────────────────────╮",
        "│ ❯ Yes                            │",
        "│   Yes, always                    │",
        "│   No                             │",
        "╰──────────────────────────────────╯",
        "  a hint  ·  ctrl+c to exit",
    ),
}


@pytest.mark.parametrize("name", DIALOGS)
def test_what_any_program_offers(tmp_path: Path, name: str) -> None:
    activity = seen(tmp_path / "r", (2.0, b"\x1b[?1049h\x1b[?25l" + drawn(*DIALOGS[name])))
    assert activity.doing is Doing.WAITING


#: With a prompt that stays where it is below them, and the cursor in that.
ABOVE_A_PROMPT = {
    "options in a box": (
        "╭──────────────────────────────────╮",
        "│ Run ls?                          │",
        "│ › 1. Approve (y)                 │",
        "│   2. Reject (n)                  │",
        "╰──────────────────────────────────╯",
    ),
    "a list in a box and what its keys do": (
        "┌──────────────────────────────────┐",
        "│ › Red                            │",
        "│   Green                          │",
        "│ ↑/↓ navigate • Enter select      │",
        "└──────────────────────────────────┘",
    ),
    "a list and what its keys do": ("▸ Red", "  Green", "", "enter to select, esc to cancel"),
    "a line that says it": ("⏸ Awaiting decision...  (8s)",),
}
PROMPT = ("╭──────────────────────────────────╮", "│ >", "╰──────────────────────────────────╯")


@pytest.mark.parametrize("name", ABOVE_A_PROMPT)
def test_a_dialog_above_a_prompt(tmp_path: Path, name: str) -> None:
    rows = (*ABOVE_A_PROMPT[name], *PROMPT)
    to_prompt = b"\x1b[%d;5H" % (len(rows) - 1)
    activity = seen(tmp_path / "r", (2.0, drawn(*rows) + to_prompt), (9.0, b"\x1b[m"))
    assert activity.doing is Doing.WAITING


def test_what_was_quoted_above_a_prompt_is_no_dialog(tmp_path: Path) -> None:
    rows = ("  ❯ 1. Yes", "    2. No", "  enter to select", "That is line 41.", *PROMPT)
    to_prompt = b"\x1b[%d;5H" % (len(rows) - 1)
    activity = seen(tmp_path / "r", (2.0, drawn(*rows) + to_prompt), (9.0, b"\x1b[m"))
    assert activity.doing is Doing.IDLE


BOX = ("╭────────────────────────────────────╮", "╰────────────────────────────────────╯")


@pytest.mark.parametrize(
    "rows",
    [
        (BOX[0], "│ ❯ How can I help?                  │", BOX[1], "a hint"),
        (
            "> 1. Yes",
            "  2. No",
            "Line 41.",
            BOX[0],
            "│ ❯ Anything at all                  │",
            BOX[1],
        ),
        ("done", "── model ─────────────────────────────", "> ", "──────────────────────", "hint"),
    ],
)
def test_a_box_in_which_one_types(tmp_path: Path, rows: tuple[str, ...]) -> None:
    activity = seen(tmp_path / "r", (2.0, b"\x1b[?25l" + drawn(*rows, "")))
    assert activity.doing is Doing.IDLE


QUESTIONS = {
    "Overwrite a.py? [y/N] ": ("question", "Overwrite a.py? [y/N]", ("y", "N")),
    "Proceed (yes/no)? ": ("question", "Proceed (yes/no)?", ("yes", "no")),
    "Do you want to continue? [Y/n] ": ("question", "Do you want to continue? [Y/n]", ("Y", "n")),
    "Execute code? [Y/n/e/?] ": ("question", "Execute code? [Y/n/e/?]", ("Y", "n")),
    "Run it? (Y)es/(N)o/(A)ll/(S)kip [Yes]: ": (
        "question",
        "Run it? (Y)es/(N)o/(A)ll/(S)kip [Yes]:",
        ("Y", "N", "Yes"),
    ),
    "Allow? (y = yes, n = no, a = always) ": (
        "question",
        "Allow? (y = yes, n = no, a = always)",
        ("yes", "no"),
    ),
    "Are you sure (yes/no/[fingerprint])? ": (
        "question",
        "Are you sure (yes/no/[fingerprint])?",
        ("yes", "no"),
    ),
    "What is your name? ": ("question", "What is your name?", ()),
    "[sudo] password for me: ": ("prompt", "[sudo] password for me:", ()),
    "Enter passphrase for key '/home/me/.ssh/id': ": (
        "prompt",
        "Enter passphrase for key '/home/me/.ssh/id':",
        (),
    ),
    "1) Red\r\n2) Green\r\nYour choice: ": ("question", "Your choice:", ("Red", "Green")),
    "one\r\n--More--": ("prompt", "--More--", ()),
    "Press any key to continue . . .": ("prompt", "Press any key to continue . . .", ()),
}


@pytest.mark.parametrize("text", QUESTIONS)
def test_what_any_program_asks(tmp_path: Path, text: str) -> None:
    activity = seen(tmp_path / "r", (2.0, b"some output\r\n"), (3.0, text.encode()))
    assert activity.needs is not None
    assert (activity.doing, activity.confidence) == (Doing.WAITING, Confidence.GUESS)
    assert (activity.needs.kind, activity.needs.question, activity.needs.options) == QUESTIONS[text]


@pytest.mark.parametrize(
    "text",
    [
        "you> ",
        "my agent > ",
        "[1] Your message: ",
        "λ ",
        "User: ",
        "me@host:~/a$ ",
        "$ ",
        "root# ",
        "me% ",
        "➜ ",
        ">>> ",
        "In [3]: ",
        "(gdb) ",
        "db=# ",
    ],
)
def test_a_prompt_at_rest(tmp_path: Path, text: str) -> None:
    activity = seen(tmp_path / "r", (2.0, b"ls\r\na b c\r\n"), (3.0, text.encode()))
    assert (activity.doing, activity.confidence) == (Doing.IDLE, Confidence.GUESS)


@pytest.mark.parametrize(
    "text",
    [
        "Downloading 42% ",
        "Overwrite? [y/N] y\r\nremoved\r\n",
        "password: \r\nwelcome\r\n",
        "echo $ \r\n$\r\n",
        "me@host:~$ make test",
        "   4 |   price in $ and #\r\n",
        "compiling…",
    ],
)
def test_what_is_neither_a_question_nor_a_prompt(tmp_path: Path, text: str) -> None:
    said = seen(tmp_path / "r", (2.0, text.encode())).doing
    assert said in (Doing.UNKNOWN, Doing.WORKING)


def test_output_that_goes_on_is_work_and_no_prompt(tmp_path: Path) -> None:
    steps = [(2.0 + at / 10, b"\r\n$ " if at % 2 else b"\r\nline %d" % at) for at in range(40)]
    playback = Playback(record(tmp_path / "r", [(1.0, (60, 8)), *steps, (6.0, b"\r\n")]))
    found = [each.doing for each in Replay(playback, [rulebook("generic")], backend()).activities()]
    assert found == [Doing.UNKNOWN, Doing.WORKING, Doing.UNKNOWN]


@pytest.mark.parametrize(
    ("name", "title", "doing"),
    [
        ("claude", "⠂ mend the test", Doing.WORKING),
        ("claude", "✳ mend the test", Doing.UNKNOWN),
        ("codex", "⠋ folder", Doing.WORKING),
        ("codex", "[ ! ] Action Required | folder", Doing.WAITING),
        ("codex", "[ . ] Action Required | folder", Doing.WAITING),
        ("codex", "folder", Doing.UNKNOWN),
        ("gemini", "◇  Ready (folder)", Doing.IDLE),
        ("gemini", "✦  Working… (folder)", Doing.WORKING),
        ("gemini", "✋  Action Required (folder)", Doing.WAITING),
    ],
)
def test_window_titles(name: str, title: str, doing: Doing) -> None:
    verdict = rulebook(name).judge(View(title=title))
    assert verdict.doing is doing
    if doing is not Doing.UNKNOWN:
        assert (verdict.source, verdict.rule.partition("/")[0]) == (Source.TITLE, name)


def test_the_wheel_contains_them(tmp_path: Path) -> None:
    hatch = "import sys; from hatchling.build import build_wheel; print(build_wheel(sys.argv[1]))"
    made = subprocess.run(
        [sys.executable, "-c", hatch, str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    with zipfile.ZipFile(tmp_path / made.stdout.split()[-1]) as wheel:
        packed = set(wheel.namelist())
    assert {f"inspan/providers/screenrules/{name}.toml" for name in names()} <= packed


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (None, "cannot read the screen rules .*own.toml: No such file"),
        (b"name = 'caf\xe9'", "own.toml is not valid UTF-8"),
    ],
)
def test_own_rules_that_cannot_be_read_are_refused(
    tmp_path: Path, content: bytes | None, why: str
) -> None:
    own = tmp_path / "own.toml"
    if content is not None:
        own.write_bytes(content)
    with pytest.raises(BadInput, match=why):
        rulebooks("claude", own)
