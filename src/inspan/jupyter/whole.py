"""Whether a cell that is being typed is whole, for ``is_complete_request``. It runs nothing."""

from __future__ import annotations

import ast
import codeop
import re
import warnings
from typing import Any, Final

#: How a notebook asks about a name: ``name?``, or ``name??`` for its source as well.
ASKED: Final = re.compile(r"\s*([^\W\d]\w*(?:\.[^\W\d]\w*)*)\s*(\?\??)\s*")
_INDENT: Final = "    "
_STATUS: Final = "status"


def is_complete(code: str) -> dict[str, Any]:
    """The content of an ``is_complete_reply``: a block is over at an empty line."""
    if ASKED.fullmatch(code):
        return {_STATUS: "complete"}
    compiler = codeop.CommandCompiler()
    compiler.compiler.flags |= ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)
            found = compiler(code, "<cell>", "exec")
    except (SyntaxError, ValueError, OverflowError):
        return {_STATUS: "invalid"}
    except (RecursionError, MemoryError):
        return {_STATUS: "unknown"}
    if found is None or _goes_on(code):
        return {_STATUS: "incomplete", "indent": _indent(code)}
    return {_STATUS: "complete"}


def _goes_on(code: str) -> bool:
    """Whether its last line stands in a block that another line could belong to."""
    last = code.rpartition("\n")[2]
    return last.startswith((" ", "\t")) and bool(last.strip())


def _indent(code: str) -> str:
    last = code.rstrip("\n").rpartition("\n")[2]
    before = last[: len(last) - len(last.lstrip())]
    return before + _INDENT if last.rstrip().endswith(":") else before
