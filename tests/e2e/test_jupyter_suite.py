"""The public suite for Jupyter's kernels, with a sample for everything that it can ask."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any, ClassVar

import jupyter_kernel_test as suite  # type: ignore[import-untyped]  # it ships no types
import pytest

from tests.real.jupyter import NAME, installed

pytestmark = [pytest.mark.timeout(120), pytest.mark.requirement("D1", "D2", "D9", "D12")]

RICH = """\
class Rich:
    def _repr_html_(self):
        return "<b>rich</b>"
    def _repr_png_(self):
        return b"\\x89PNG"
display(Rich())
"""
BUNDLE = """\
class Bundle:
    def _repr_mimebundle_(self, include=None, exclude=None):
        return {"text/latex": "$x$", "application/json": {"x": 1}}
display(Bundle())
"""


class Installed:
    """Before the suite asks for a kernel by its name there is one."""

    stack: ClassVar[ExitStack]

    @classmethod
    def setUpClass(cls) -> None:
        cls.stack = ExitStack()
        cls.stack.enter_context(installed())
        super().setUpClass()  # type: ignore[misc]  # the suite's

    @classmethod
    def tearDownClass(cls) -> None:
        super().tearDownClass()  # type: ignore[misc]  # the same
        context = cls.kc.context  # type: ignore[attr-defined]  # the same
        context.term()
        cls.stack.close()


class TestKernel(Installed, suite.KernelTests):  # type: ignore[misc]  # the same
    kernel_name = NAME
    language_name = "python"
    file_extension = ".py"
    code_hello_world = "print('hello, world')"
    code_stderr = "import sys; print('test', file=sys.stderr)"
    completion_samples: ClassVar[list[dict[str, Any]]] = [
        {"text": "zi", "matches": {"zip"}},
        {"text": "from itertools import prod", "matches": {"product"}},
        {"text": "import collections.ab", "matches": {"abc"}},
    ]
    complete_code_samples: ClassVar[list[str]] = [
        "1",
        "print('hello, world')",
        "def f(x):\n  return x*2\n\n\n",
        "import asyncio\nawait asyncio.sleep(0)",
        "zip?",
    ]
    incomplete_code_samples: ClassVar[list[str]] = [
        "print('''hello",
        "def f(x):\n  x*2",
        "async with x:",
        "f(",
    ]
    invalid_code_samples: ClassVar[list[str]] = ["import = 7q", "return return", "a b"]
    code_page_something = "zip?"
    code_generate_error = "raise"
    code_execute_result: ClassVar[list[dict[str, str]]] = [
        {"code": "1+2+3", "result": "6"},
        {"code": "[n*n for n in range(1, 4)]", "result": "[1, 4, 9]"},
        {"code": "import asyncio\nawait asyncio.sleep(0, 'slept')", "result": "'slept'"},
    ]
    code_display_data: ClassVar[list[dict[str, str]]] = [
        {"code": RICH, "mime": "text/html"},
        {"code": RICH, "mime": "image/png"},
        {"code": BUNDLE, "mime": "text/latex"},
        {"code": BUNDLE, "mime": "application/json"},
    ]
    code_history_pattern = "1?2*"
    supported_history_operations = ("tail", "range", "search")
    code_inspect_sample = "zip"
    code_clear_output = "clear_output()"


class TestWelcome(Installed, suite.IopubWelcomeTests):  # type: ignore[misc]  # the same
    kernel_name = NAME
    support_iopub_welcome = True
