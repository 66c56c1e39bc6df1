"""What programs that print line by line show, and when: drawn by hand, without one at hand.

They are as Rich, prompt_toolkit, questionary, inquirer, click, `input()` and `print()` have it: an
answer in a panel, a spinner that is gone again, a line of what is done and then silence, a question
in the middle of what comes. A case is a row of pauses and of what is printed after them. Of the
first batch half was for the writing of rules, and half measures those (``mended`` says which).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from zlib import crc32

from inspan.model.activity import Doing
from tests.fakes.recordings import Step

COLS, ROWS = 80, 24
LINE: Final = "─" * 70
#: Seconds after the last thing that was printed at which it is looked at.
LOOKED_AT: Final = (1.3, 2.3, 3.3, 5.3, 8.3)
HIDE, SHOW, CLEAR = "\x1b[?25l", "\x1b[?25h", "\r\x1b[2K"


@dataclass(frozen=True, slots=True)
class Case:
    """One way to ask, to work or to rest, after something was said."""

    name: str
    doing: Doing
    steps: tuple[tuple[float, str], ...]

    @property
    def mended(self) -> bool:
        """Whether rules may be written with it at hand."""
        return (
            self.name.startswith("more ") or crc32(self.name.partition(" | ")[0].encode()) % 2 == 0
        )

    def recorded(self) -> tuple[list[Step], float]:
        """It as the steps of a recording, and when the last thing was printed."""
        at = 2.0
        steps: list[Step] = [(1.0, (COLS, ROWS))]
        for pause, text in self.steps:
            at += pause
            if text.startswith("\0"):
                steps.append((at, (text[1:].encode(),)))
            else:
                steps.append((at, text.replace("\n", "\r\n").encode()))
        return [*steps, (at + 9.0, b"\x1b[m")], at


def panel(*rows: str, title: str = "", wide: int = 76) -> str:
    """A panel of Rich's."""
    top = f"─ {title} " if title else ""
    inside = (f"│ {row:{wide - 4}} │" for row in rows)
    return "\n".join((f"╭{top:─<{wide - 2}}╮", *inside, f"╰{'─' * (wide - 2)}╯"))


#: What stands above, of a turn that is over or goes on.
BEFORE: Final = (
    panel("A coding agent in your terminal", "model: m · /help for commands", title="agent 1.2")
    + "\n\n",
    "> look at the tests\n\nThe tests are in `tests/`. There are forty of them, and all of them\n"
    "pass.\n\n",
    f"{panel('I shall look at the files first.', title='Assistant')}\n"
    f"{panel('src/a.py', 'src/b.py', title='list_directory')}\n\n",
    "[12:00:01] INFO     Starting\n[12:00:02] INFO     Reading src/a.py\n\n"
    "Here is what I found:\n\n 1. It opens the file twice.\n 2. Nobody closes it.\n\n",
    "you: why does it hang?\n\nThe script prints `Continue? (y/n)` and reads a line.\n"
    "  1. Yes\n  2. No\nThat is all that there is to it.\n\n",
    "🔧 Reading file src/a.py ✅\n🔧 Running `ls -la` ✅ (0.2s)\n\n"
    + "".join(f"line {number} of the output\n" for number in range(22)),
)

ASKED: Final = (
    "Apply the changes? [y/n] (y): ",
    "Proceed? [y/n]: ",
    "Do you want to continue? [y/N]: ",
    "Run this command? (Y/n) ",
    "Allow the agent to run `touch a`? [yes/no/always] (yes): ",
    f"{panel('touch a', title='Shell command')}\nExecute this command? [y/n/e] (y): ",
    f"{panel('rm -rf build', title='⚠ Approval needed')}\n[A]pprove, [R]eject, [E]dit: ",
    f"{panel('Which database shall I use?', title='❓ Question')}\n\n> ",
    f"{panel('Which database shall I use?', title='Human input requested')}\nYour answer: ",
    "Run `npm install`? (y/n/a): ",
    "⚠️  This will delete 3 files. Are you sure? (yes/no): ",
    "Press Enter to continue...",
    "Press ENTER to continue, or Ctrl-C to abort",
    "Press any key to continue . . . ",
    "-- press return --",
    "Continue (c), retry (r) or quit (q)? ",
    "[c]ontinue / [s]kip / [q]uit > ",
    "Choose an option [1/2/3] (1): ",
    "  1) First\n  2) Second\n  3) Third\nYour choice: ",
    "Select a model:\n  [1] small\n  [2] large\n\nEnter number (1-2): ",
    "Which file should I change?\n  1. a.py\n  2. b.py\n> ",
    f"{HIDE}? Which file should I change? (Use arrow keys)\n ❯ a.py\n   b.py\n   both of them",
    f"{HIDE}? Apply it? (Use arrow keys)\n » Yes\n   No\n   Show the diff",
    f"{HIDE}[?] Which one?: \n > a.py\n   b.py\n   c.py\n",
    "? Apply the patch? (Y/n) ",
    "? What should the file be called? ",
    "? API key for the provider: ",
    f"{HIDE}? Select the tools to allow (Use arrow keys to move, <space> to select)\n"
    " » ○ read\n   ○ write\n",
    "Enter your OpenAI API key: ",
    "No API key found. Please paste it here: ",
    "API key: ",
    "Password: ",
    "Username for 'https://example.org': ",
    "Provider [anthropic/openai/gemini]: ",
    "Name of the branch (main): ",
    "Please enter the path of the project: ",
    "The agent wants to run:\n\n    touch a\n\nAllow? (y)es / (n)o / (a)lways: ",
    "The agent asks: which colour should it have?\n> ",
    "🤖 I need your input: which port should it listen on?\n> ",
    "Clarification needed: which of the two files do you mean?\n>>> ",
    f"{LINE}\n--- a.py\n+++ a.py\n-one\n+two\n{LINE}\nAccept this edit? (y/n) ",
    f"{panel('--- a.py', '+++ a.py', '-one', '+two', title='Diff')}\nApply this patch [y/n]? ",
    "Type 'yes' to confirm: ",
    "Type y to run it, n to skip it, or say what to do instead: ",
    "Confirm [Enter] or cancel [Esc]",
    "Execute shell command: touch a\n(y)es, (n)o, (a)ll > ",
    "Do you approve of this plan? (yes/no/feedback) ",
    f"{panel('1. Read it', '2. Mend it', title='Plan')}\n\nDo you approve this plan? [y/n]: ",
    "Would you like to run this code? (y/n)\n\n  ",
    "Shall I commit these changes? y/n > ",
    "Overwrite src/a.py? [Y]es/[N]o/[D]iff: ",
    "Retry? [Y/n] ",
    "The budget of 10 steps is used up. Continue? [y/N] ",
    "Maximum steps reached.\nEnter a number of further steps, or 0 to stop: ",
    "git commit -m x\nOK to run? ",
    "Would you like me to create the file? (Y/n): ",
    "How would you like to log in?\n  1. With a browser\n  2. With a key\nSelect [1]: ",
    "To sign in, open https://example.org/device and enter the code ABCD-EFGH\n"
    "Press Enter once you have done so: ",
    "Do you trust the files in this folder?\n\n  /home/me/x\n\n[y/N] > ",
    "Terms: your data is sent to the provider.\nI accept (y/n): ",
    "Tool call: write_file(path='a')\nApprove? [Y/n/always]: ",
    "Input required\nWhat is the name of the new module? ",
    "Save to file? Enter a name or leave it empty to skip: ",
    "(y/n/q) Run 3 commands? ",
)

#: A second batch: all of it was at hand when the rules were mended.
MORE: Final = (
    "Username: ",
    "Save as: ",
    "Enter file name: ",
    "Which port? ",
    "Which port should the server listen on? ",
    "Continue? ",
    "OK? ",
    "Is this correct? ",
    "Is that what you want? (Y/n): ",
    "Proceed (Y/n)? ",
    "Go on [Y/n/q]? ",
    "Apply edits to a.py, b.py Y/N? ",
    "Do you want to proceed (yes/no): ",
    "Type CONFIRM to proceed: ",
    "Select provider [anthropic]: ",
    "Model name [small]: ",
    "Choose [a/b/c]: ",
    "  a) the first\n  b) the second\n> ",
    "Your choice [1]: ",
    "Pick a number: ",
    "Enter choice (1-3): ",
    "Press y/n",
    "Press q to quit, any other key to continue",
    "Hit enter to proceed",
    "<Press Enter>",
    "[Enter] continue  [q] quit",
    "Reply: ",
    "Feedback: ",
    "Your answer > ",
    "Answer (empty to skip): ",
    "What should I name it? > ",
    f"{panel('Which database do you want?', title='Agent')}\nResponse: ",
    "Question: Which database?\n\nOptions:\n 1. one\n 2. two\n\nAnswer: ",
    "Enter your OpenAI key (hidden): ",
    "ANTHROPIC_API_KEY is not set. Enter it now: ",
    "Log in at https://example.org/login, then paste the code: ",
    "Paste code here: ",
    "Authorization code: ",
    "You are not logged in. Press Enter to open the browser...",
    "🔐 Passphrase for the key: ",
    "[sudo] password for me: ",
    "Are you sure you want to continue connecting (yes/no/[fingerprint])? ",
    "Take [m]ine, [t]heirs or [b]oth: ",
    "Stage this hunk [y,n,q,a,d,e,?]? ",
    "Approve (a), deny (d), or explain (e)? ",
    "I want to run: ls -la. Approve? ",
    "Shall I proceed? ",
    "May I go on? [yes]: ",
    f"{panel('touch a', title='🔧 run_shell_command')}\nAllow? [y]es/[n]o/[a]lways ",
    f"{panel('touch a', '', 'Allow it? (y/n)', title='Permission')}\n> ",
    f"{panel('touch a', '', 'Allow it? (y/n)', title='Permission')}\n",
    f"{LINE}\nQuestion for you:\n\nWhich of the two do you want?\n{LINE}\n> ",
    "❓ Which of the two do you want?\nYour response: ",
    "⚠ touch a\nContinue with this command? (Y)es/(N)o/(D)on't ask again [Yes]: ",
    "Add src/a.py to the chat? (Y)es/(N)o/(A)ll/(S)kip all [Yes]: ",
    "Do you accept the terms? [y/N]:",
    "Would you like to try again? yes/no: ",
    f"{HIDE}Which file?\n\n> a.py\n  b.py\n  c.py\n\n(use the arrow keys, enter to choose)",
    f"{HIDE}Run touch a?\n> Yes\n  No\n  Always\n",
    f"{HIDE}? Pick some  [Use arrows to move, space to select, <right> to all]\n"
    "> [ ]  one\n  [ ]  two\n",
    f"{HIDE}Run touch a?\n\n  [ Yes ]    [ No ]\n",
    "The command needs a person: (a)pprove, (r)eject, (m)odify: ",
    "Enter 'y' to approve, 'n' to deny, or a message: ",
    "Review the plan above. Type 'ok' to go on or describe changes: ",
    "Describe what is wrong, or press Enter to accept: ",
    "Accept? [Enter=yes, n=no]: ",
    "The tool `write_file` requires approval. [1] Once [2] Always [3] Never: ",
    "Do you want to allow this? 1) yes 2) no 3) always: ",
)

#: Prompts at rest; the second is what stands below, where a toolbar does.
RESTS: Final = (
    "> ",
    ">>> ",
    "❯ ",
    "» ",
    "You: ",
    "user> ",
    "User > ",
    "you ▶ ",
    "[agent] > ",
    "agent (m) > ",
    "(main) ~/x > ",
    "💬 ",
    "💬 > ",
    "🧑 You: ",
    "Prompt: ",
    "Enter your request: ",
    "Enter a prompt (or 'exit' to quit): ",
    "Ask me anything (type 'exit' to quit): ",
    "What would you like to do next?\n> ",
    "What would you like to do? ",
    "How can I help you?\n> ",
    "Type your message (Ctrl+D to submit):\n> ",
    "Enter a task, or /help for help:\n> ",
    "Next task: ",
    "Your message: ",
    "Message> ",
    "code> ",
    "chat:m> ",
    "[m] 12% > ",
    "(12.3k tokens, $0.01) > ",
    "│ > ",
    "└─> ",
    f"{LINE}\n> ",
    f"{LINE}\n❯ ",
    "✨ ",
    "λ ",
    "# ",
    "agent# ",
    "In [3]: ",
    "human: ",
    "@ ",
    "ask> ",
    "→ ",
)
TOOLBARS: Final = (
    "",
    " m | 12.3k tokens | $0.01 | Ctrl+D to exit ",
    " F1 Help  F2 Restart  Ctrl+C Cancel  /exit Quit ",
    " ~/x (main)  model: m  mode: code  [Esc+Enter] newline ",
)

TYPED: Final = "> do it"
#: After a line was sent: pieces of what comes then; what matters is what is shown at the end.
WORKS: Final[dict[str, tuple[tuple[float, str], ...]]] = {
    "nothing": ((0.1, "\n"),),
    "an empty line": ((0.1, "\n\n"),),
    "says that it thinks": ((0.1, "\n"), (0.2, "Thinking...\n")),
    "says that it thinks, in the same line": ((0.1, "\n"), (0.2, "Thinking...")),
    "says what it waits for": ((0.1, "\n"), (0.2, "Waiting for the model's response ...\n")),
    "says what it calls": ((0.1, "\n"), (0.5, "🔧 Reading file src/a.py\n")),
    "a tool and no newline": ((0.1, "\n"), (0.5, "🔧 Reading file src/a.py ... ")),
    "a tool that was done": ((0.1, "\n"), (0.5, "🔧 Reading src/a.py"), (0.3, " ✅ 40 lines\n")),
    "a panel of a command": ((0.1, "\n"), (0.5, panel("$ make test", title="Shell") + "\n")),
    "a panel of a plan": ((0.1, "\n"), (0.9, panel("1. Read", "2. Mend", title="Plan") + "\n\n")),
    "a line of a log": (
        (0.1, "\n"),
        (0.5, "[12:00:07] INFO     HTTP Request: POST /v1/messages\n"),
    ),
    "tries again": ((0.1, "\n"), (0.5, "Rate limited. Retrying in 20 seconds (attempt 2/5)...\n")),
    "a command at work": ((0.1, "\n"), (0.5, "$ make test\n"), (1.0, "collected 40 items\n")),
    "a command and dots": ((0.1, "\n"), (0.5, "$ pytest\n"), (0.5, "tests/test_a.py ....")),
    "an answer that pauses in a line": (
        (0.1, "\n"),
        (1.0, "I shall look at the"),
        (0.9, " first of"),
    ),
    "an answer that pauses": ((0.1, "\n"), (1.0, "I shall look at it first.\n\n")),
    "an answer that pauses in a list": (
        (0.1, "\n"),
        (0.9, "There are two ways:\n\n"),
        (0.9, "1. One\n"),
        (0.9, "2. Two\n"),
    ),
    "an answer that quotes a question": (
        (0.1, "\n"),
        (0.9, "The script prints this:\n\n"),
        (0.9, "    Do you want to go on? (y/n)\n"),
        (0.9, "    > 1. Yes\n"),
        (0.9, "      2. No\n\nand then it"),
    ),
    "a command that prints questions": (
        (0.1, "\n"),
        (0.5, "$ ./install.sh\n"),
        (1.0, "Proceed with 1? [y/N]\n"),
        (1.0, "Proceed with 2? [y/N]\n"),
        (1.0, "installing 40 packages\n"),
    ),
    "a live panel": (
        (0.1, f"\n{HIDE}"),
        (0.4, panel("I shall", title="Assistant")),
        (0.5, f"\x1b[2A\r\x1b[J{panel('I shall look', title='Assistant')}"),
    ),
    "a spinner that stands": (
        (0.1, f"\n{HIDE}"),
        (0.2, "⠋ Thinking..."),
        (0.1, f"{CLEAR}⠙ Thinking..."),
    ),
    "a spinner that went, and a command": (
        (0.1, f"\n{HIDE}"),
        *((0.1, f"{CLEAR}{sign} Thinking...") for sign in "⠋⠙⠹⠸⠼⠴⠦⠧" * 2),
        (0.1, f"{CLEAR}{SHOW}Running: make test\n"),
    ),
    "hidden, below what was said": ((0.1, f"\n{HIDE}"), (0.5, "  sleep 5; seq 1 40\n\n")),
    "a bar": (
        (0.1, f"\n{HIDE}"),
        *((0.3, f"{CLEAR}Indexing ━━━━{'━' * n}   {n}0%") for n in range(6)),
    ),
    "a rule and a title": ((0.1, "\n"), (0.5, f"\n──────── Research stage {'─' * 40}\n\n")),
    "what it found out, in a panel": (
        (0.1, "\n"),
        (0.5, panel("The key is in a.py.", title="🔍 Key fact") + "\n"),
        (1.5, panel("Looks for 'ask'", "in src", title="🔎 Search") + "\n"),
    ),
    "an error and another try": (
        (0.1, "\n"),
        (0.5, "Error: the tool failed: no such file. Trying again.\n"),
    ),
    "what it is allowed": (
        (0.1, "\n"),
        (0.5, "Run this command? [y/n] (y): "),
        (1.5, "\0y\r"),
        (0.05, "y\n"),
    ),
    "what it is allowed, and runs": (
        (0.1, "\n"),
        (0.5, f"{panel('touch a', title='Shell')}\nExecute? [y/n]: "),
        (1.5, "\0y\r"),
        (0.05, "y\n"),
        (0.2, "Running touch a\n"),
    ),
    "a list that was answered": (
        (0.1, "\n"),
        (0.5, f"{HIDE}? Apply it? (Use arrow keys)\n » Yes\n   No"),
        (1.5, "\0\r"),
        (0.05, f"\x1b[2A\r\x1b[J? Apply it? Yes\n{SHOW}"),
    ),
}

#: After such a turn a prompt is at rest: what was asked was answered, what was quoted is over.
TURNS: Final = (
    "Run it? (y/n)\n\n  y\n\nIt is done.\n\n",
    "Run it? (y/n)\n\n  n\n\n",
    "Apply the changes? [y/n] (y): n\n\n",
    "Apply the changes? [y/n] (y): y\nApplied.\n\n",
    "? Apply it? Yes\n\nIt is applied.\n\n",
    "Which of the two would you like me to take?\n\n",
    f"{panel('It is done. Shall I go on with the tests?', title='Assistant')}\n\n",
    f"{panel('All of it is done.', title='✅ Task completed')}\n\n",
    "The script prints this:\n\n    Do you want to go on? (y/n)\n    > 1. Yes\n      2. No\n"
    "    Press enter to confirm or esc to cancel\n\nIt hangs there.\n\n",
    "Error: 401 Unauthorized: the key is not valid.\n\n",
    "^C\nInterrupted.\n\n",
    "Tokens: 1.2k sent, 300 received. Cost: $0.01\n\n",
    "Interrupted by the user. What should be done instead?\n\n",
    "Here is how: press Enter to continue, or Esc to cancel.\nThat is all.\n\n",
    "1. one\n2. two\n3. three\n\n",
    "Thinking...\n\nIt is done.\n\n",
    "⠋ Working...\nDone in 12s.\n\n",
)


def cases() -> Iterator[Case]:
    """Every one, each with some of what may stand above it."""
    for number, asked in enumerate(ASKED):
        for other in range(3):
            before = BEFORE[(number + 2 * other) % len(BEFORE)]
            steps = (
                (0.0, before),
                (0.5, f"{TYPED}\n\n"),
                (1.5, "I shall do that now.\n\n"),
                (0.4, asked),
            )
            yield Case(f"asks {asked[-60:]!r} | {other}", Doing.WAITING, steps)
    for number, asked in enumerate(MORE):
        for other in range(2):
            said = "I shall do that now.\n\n"
            before = BEFORE[(number + 3 * other) % len(BEFORE)]
            steps = ((0.0, before), (0.5, f"{TYPED}\n\n"), (1.5, said), (0.4, asked))
            yield Case(f"more {asked[-60:]!r} | {other}", Doing.WAITING, steps)
    for number, prompt in enumerate(RESTS):
        for other, turn in enumerate(TURNS):
            if (number + other) % 4:
                continue
            yield Case(
                f"rests {prompt[-40:]!r} | {other}",
                Doing.IDLE,
                (
                    (0.0, BEFORE[other % len(BEFORE)]),
                    (0.5, f"{TYPED}\n"),
                    (1.5, turn),
                    (0.3, prompt),
                ),
            )
        toolbar = TOOLBARS[number % len(TOOLBARS)]
        shown = f"\x1b7\x1b[{ROWS};1H\x1b[7m{toolbar:80}\x1b[m\x1b8" if toolbar else ""
        yield Case(
            f"rests {prompt[-40:]!r} | first",
            Doing.IDLE,
            ((0.0, "\x1b[2J\x1b[H" + BEFORE[0]), (0.5, prompt + shown)),
        )
    for number, (name, pieces) in enumerate(WORKS.items()):
        for other in range(4):
            prompt = RESTS[(number * 3 + other * 7) % len(RESTS)]
            sent = ((0.0, BEFORE[(number + other) % len(BEFORE)] + prompt), (3.0, "\0do it\r"))
            yield Case(f"works {name} | {other}", Doing.WORKING, (*sent, (0.05, "do it"), *pieces))
