"""The prompt of ``inspan py``: lines with history, completion and colours, cell after cell."""

from __future__ import annotations

import ast
import codeop
import os
from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING, Any, Final, Protocol

from inspan.cli import exits
from inspan.cli.say import out
from inspan.errors import InspanError, Unable
from inspan.settings.places import locate

if TYPE_CHECKING:
    from prompt_toolkit import PromptSession
    from prompt_toolkit.completion import CompleteEvent, Completion
    from prompt_toolkit.document import Document

    from inspan.cli.cellview import View

_HISTORY: Final = "py_history"


class Cells(Protocol):
    """Whatever runs them."""

    @property
    def view(self) -> View: ...

    async def greet(self) -> None: ...

    async def run(self, code: str) -> int: ...

    async def complete(self, code: str, cursor: int) -> tuple[tuple[str, ...], int]: ...


async def ask_cells(runner: Cells) -> int:
    """Ask for cells until the end of the input; the exit status of the session."""
    lines = _editor(runner)
    await runner.greet()
    while not runner.view.left:
        try:
            code = await lines.prompt_async(handle_sigint=False)
        except KeyboardInterrupt:
            continue
        except EOFError:
            return exits.DONE
        if code.strip():
            status = await runner.run(code)
    return status


def _editor(runner: Cells) -> PromptSession[str]:
    try:
        from prompt_toolkit import PromptSession
        from prompt_toolkit.filters import Condition
        from prompt_toolkit.history import FileHistory
        from prompt_toolkit.lexers import PygmentsLexer
        from pygments.lexers.python import PythonLexer
    except ImportError as error:
        raise Unable(
            f"the prompt needs {error.name}, which is not installed",
            hint="Install `inspan[kernel]`, or use `inspan py -c CODE` or `inspan py FILE`.",
        ) from None
    path = locate(os.environ).state_dir / _HISTORY
    path.touch(mode=0o600)
    session: PromptSession[str] = PromptSession(
        ">>> ",
        history=FileHistory(str(path)),
        lexer=PygmentsLexer(PythonLexer),
        completer=_completer(runner),
        complete_while_typing=False,
        multiline=Condition(lambda: not _whole(session.default_buffer.text)),
        prompt_continuation=lambda _width, _line, _wrapped: "... ",
    )
    return session


def _whole(text: str) -> bool:
    """Whether Enter ends the cell: it is whole, or wrong, or its last line is empty."""
    before, _, last = text.rpartition("\n")
    if before and not last.strip():
        return True
    compiler = codeop.CommandCompiler()
    compiler.compiler.flags |= ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    try:
        return compiler(text, "<cell>", "single") is not None
    except (SyntaxError, ValueError, OverflowError):
        return True


def _completer(runner: Cells) -> Any:
    from prompt_toolkit.completion import Completer, Completion

    class Names(Completer):
        """What the session knows at the cursor."""

        def get_completions(self, *_: object) -> Any:
            return ()  # asked only where there is no event loop

        async def get_completions_async(
            self, document: Document, _event: CompleteEvent
        ) -> AsyncGenerator[Completion, None]:
            try:
                matches, start = await runner.complete(document.text, document.cursor_position)
            except InspanError as error:
                out(error.message)
                return
            for match in matches:
                yield Completion(match, start - document.cursor_position)

    return Names()
