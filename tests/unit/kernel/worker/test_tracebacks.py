"""Errors in words, and the source of cells for as long as it is of use."""

import gc
import inspect
import linecache
import sys
import types
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from inspan.kernel.frames import HEAD_MOST, encode
from inspan.kernel.worker import sources, tracebacks
from inspan.kernel.worker.sources import Sources
from inspan.kernel.worker.streams import TextStream

Cell = Callable[[str], tuple[str, str, list[str]] | None]


class Session:
    """Runs cells in a module that takes the place of ``__main__``."""

    def __init__(self) -> None:
        self.module = types.ModuleType("__main__")
        self.names: dict[str, Any] = vars(self.module)
        self.filename = ""

    def run(self, code: str) -> BaseException | None:
        self.filename = tracebacks.remember("e1", code)
        try:
            compiled = compile(code, self.filename, "exec")
            tracebacks.watch(self.filename, compiled)
            exec(compiled, self.names)
        except BaseException as error:  # noqa: BLE001  # a cell may raise anything
            # What executes a cell is no frame of the cell; in a worker it is left out as ours.
            trace = error.__traceback__
            return error.with_traceback(trace.tb_next if trace else None)
        return None

    def told(self, code: str) -> tuple[str, str, list[str]]:
        error = self.run(code)
        assert error is not None
        return tracebacks.describe(error)


@pytest.fixture
def session(monkeypatch: pytest.MonkeyPatch) -> Iterator[Session]:
    made = Session()
    # Put back also if a test runs long: monkeypatch undoes it.
    monkeypatch.setitem(sys.modules, "__main__", made.module)
    yield made
    made.names.clear()


def test_an_error_is_told_with_the_lines_of_its_cell(session: Session) -> None:
    name, message, lines = session.told("def half(n):\n    return n / 0\n\nhalf(1)")
    assert (name, message) == ("ZeroDivisionError", "division by zero")
    assert lines[0] == "Traceback (most recent call last):"
    assert lines[1] == f'  File "{session.filename}", line 4, in <module>'
    assert lines[2] == "    half(1)"
    assert "    return n / 0" in lines
    assert lines[-1] == "ZeroDivisionError: division by zero"


def test_a_syntax_error_has_its_caret() -> None:
    code = "x = 1\ny = (1 +* 2)"
    filename = tracebacks.remember("e", code)
    with pytest.raises(SyntaxError) as raised:
        compile(code, filename, "exec")
    name, message, lines = tracebacks.describe(raised.value.with_traceback(None))
    assert name == "SyntaxError"
    assert message == f"invalid syntax ({filename}, line 2)"
    assert lines == [
        f'  File "{filename}", line 2',
        "    y = (1 +* 2)",
        "            ^",
        "SyntaxError: invalid syntax",
    ]


def test_our_own_frames_are_left_out(session: Session) -> None:
    session.names["stream"] = TextStream("stdout", 1, lambda *_: None, lambda: None)
    _, _, lines = session.told("stream.write(3)")
    assert [line for line in lines if line.startswith("  File")] == [
        f'  File "{session.filename}", line 1, in <module>'
    ]
    assert lines[-1] == "TypeError: write() argument must be str, not int"


def test_causes_contexts_notes_and_groups_are_told(session: Session) -> None:
    _, _, lines = session.told(
        """
try:
    try:
        1 / 0
    except ZeroDivisionError as error:
        raise KeyError("a") from error
except KeyError:
    group = ExceptionGroup("many", [ValueError("one"), ExceptionGroup("in", [TypeError("two")])])
    group.add_note("a hint")
    raise group
"""
    )
    text = "\n".join(lines)
    for part in (
        "ZeroDivisionError: division by zero",
        "The above exception was the direct cause of the following exception:",
        "KeyError: 'a'",
        "During handling of the above exception, another exception occurred:",
        "ExceptionGroup: many (2 sub-exceptions)",
        "ValueError: one",
        "TypeError: two",
        "a hint",
    ):
        assert part in text


def test_endless_recursion_is_told_shortly(session: Session) -> None:
    name, _, lines = session.told("def again(): again()\nagain()")
    assert name == "RecursionError"
    assert any("Previous line repeated" in line for line in lines)
    assert len(lines) < 40


def test_a_stack_of_many_frames_is_cut_in_the_middle(session: Session) -> None:
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(20_000)
    try:
        _, _, lines = session.told(
            "def a(n): b(n - 1)\n"
            "def b(n):\n    if n < 0: raise ValueError('deep')\n    a(n)\n"
            "a(5000)"
        )
    finally:
        sys.setrecursionlimit(limit)
    assert "frames in the middle are left out" in lines[0]
    assert lines[-1] == "ValueError: deep"
    assert len(lines) <= tracebacks.MOST_LINES + 1


def test_a_long_chain_is_cut_in_the_middle(session: Session) -> None:
    _, message, lines = session.told(
        """
def deep(n):
    try:
        raise ValueError(n)
    except ValueError:
        if n:
            deep(n - 1)
        raise
deep(300)
"""
    )
    assert message == "0"
    assert "281 exceptions in between are left out" in lines[0]
    assert lines[-1] == "ValueError: 0"


def test_a_group_of_very_many_is_told_as_one() -> None:
    group = ExceptionGroup("many", [ValueError(n) for n in range(5000)])
    _, _, lines = tracebacks.describe(group)
    assert lines[-1] == "(it holds 5,000 exceptions)"


class Hostile(Exception):  # noqa: N818  # its name is what it is
    def __str__(self) -> str:
        raise SystemExit

    def __getattribute__(self, name: str) -> Any:
        if name in {"__class__", "with_traceback"}:
            return super().__getattribute__(name)
        raise KeyboardInterrupt


class Nameless(type):
    @property
    def __name__(cls) -> str:  # type: ignore[override]  # a metaclass may do that
        raise ValueError


class Wordless(Exception, metaclass=Nameless):  # noqa: N818  # the same
    def __str__(self) -> str:
        return 3  # type: ignore[return-value]  # noqa: PLE0307  # on purpose


@pytest.mark.parametrize("kind", ["Hostile", "Wordless", "ExceptionGroup"])
def test_whatever_an_error_does_it_is_told(kind: str) -> None:
    made = {"Hostile": Hostile, "Wordless": Wordless}.get(kind)
    error = made() if made else ExceptionGroup("g", [Hostile(), Wordless()])
    name, message, lines = tracebacks.describe(error)
    assert name == kind
    assert message
    assert lines


def test_what_is_told_is_bounded() -> None:
    error = ValueError(f"{'😀' * 10_000}\n" * 1000 + "x" * 1_000_000 + "\ud800")
    error.add_note("n" * 10_000_000)
    name, message, lines = tracebacks.describe(error)
    assert len(message) < tracebacks.MOST_MESSAGE + 100
    assert len(encode({"name": name, "message": message, "traceback": lines})) < HEAD_MOST


def test_telling_an_error_holds_none_of_its_locals(session: Session) -> None:
    class Large:
        pass

    kept: list[weakref.ref[Large]] = []

    def make() -> Large:
        made = Large()
        kept.append(weakref.ref(made))
        return made

    session.names["make"] = make
    session.told("def fail():\n    large = make()\n    raise ValueError\nfail()")
    gc.collect()
    assert kept[0]() is None


def test_the_source_of_functions_and_classes_is_known(session: Session) -> None:
    session.run(
        "x = 1\ndef one():\n    return 1\n\n"
        "class Two:\n    y = 2\n\nclass Three:\n    def m(self): ...\n"
    )
    assert inspect.getsource(session.names["one"]) == "def one():\n    return 1\n"
    assert inspect.getsource(session.names["Two"]) == "class Two:\n    y = 2\n"
    assert inspect.getsource(session.names["Three"]) == "class Three:\n    def m(self): ...\n"
    assert inspect.getsource(session.names["Three"].m) == "    def m(self): ...\n"
    linecache.clearcache()
    assert "y = 2" in inspect.getsource(session.names["Two"])


def test_a_source_that_is_no_python_is_passed_over(session: Session) -> None:
    assert isinstance(session.run("class Lost: ((("), SyntaxError)
    session.run("exec('class Lost: pass')")
    with pytest.raises(OSError, match="source"):
        inspect.getsource(session.names["Lost"])


def test_a_class_defined_anew_has_each_its_own_source(session: Session) -> None:
    session.run("class A:\n    def old(self): ...")
    first = session.names["A"]
    session.run("\n\nclass A:\n    @property\n    def new(self): ...")
    assert "old" in inspect.getsource(first)
    assert "new" in inspect.getsource(session.names["A"])
    session.run("def outer():\n    class Inner:\n        z = 1\n    return Inner\nInner = outer()")
    assert "z = 1" in inspect.getsource(session.names["Inner"])
    with pytest.raises((OSError, TypeError)):
        inspect.getsource(type("Made", (), {"__module__": "__main__"}))


def test_lines_are_counted_as_python_counts_them(session: Session) -> None:
    _, _, lines = session.told("a = '''x\x0cy\u2028z'''\r\nb = 2\r1 / 0")
    assert lines[1].endswith("line 3, in <module>")
    assert lines[2].strip() == "1 / 0"


def test_a_source_is_kept_while_its_code_lives_and_then_goes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sources, "MOST_SPARE", 3)
    kept = Sources()

    def run(code: str) -> tuple[str, dict[str, Any]]:
        filename, names = kept.remember("e", code), dict[str, Any]()
        compiled = compile(code, filename, "exec")
        kept.watch(filename, compiled)
        exec(compiled, names)
        return filename, names

    first, names = run("def f(): return lambda: 1\nf()")
    others = [run(f"x = {n}")[0] for n in range(10)]
    assert first in linecache.cache
    assert others[0] not in linecache.cache
    assert others[-1] in linecache.cache
    kept.forget(first)
    assert first in linecache.cache
    names.clear()
    for n in range(4):
        run(f"y = {n}")
    assert first not in linecache.cache


def test_a_forgotten_source_is_gone_at_once() -> None:
    kept = Sources()
    filename = kept.remember("e7", "x = 1")
    assert kept.execution_of(filename) == "e7"
    kept.forget(filename)
    kept.forget(filename)
    assert filename not in linecache.cache
    assert kept.execution_of(filename) is None


def test_silent_cells_are_not_counted() -> None:
    kept = Sources()
    names = [kept.remember("e", "1", silent=silent) for silent in (True, False, True, False)]
    assert names == ["<silent cell 1>", "<cell 1>", "<silent cell 2>", "<cell 2>"]


def test_sources_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "MOST_SOURCE", 1000)
    kept = Sources()
    names = [kept.remember("e", "#" * 400) for _ in range(5)]
    assert [name in linecache.cache for name in names] == [False, False, False, True, True]
    large = kept.remember("e", "#" * 5000)
    assert large in linecache.cache
    kept.forget(large)
