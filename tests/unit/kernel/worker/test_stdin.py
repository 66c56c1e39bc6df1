"""Lines that a session reads, and what it asks of its host."""

from collections.abc import Iterator

import pytest

from inspan.kernel.protocol import Ask, Input, Withdraw
from tests.real.kernel import Cell, Worker


@pytest.fixture(scope="module")
def worker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    with Worker.start(tmp_path_factory.mktemp("worker")) as worker:
        yield worker


def answered(worker: Worker, code: str, *lines: str | None, **fields: bool) -> Cell:
    """Run a cell, and answer what it asks for."""
    cell = worker.execute(code, **fields)
    for number, line in enumerate(lines, 1):
        worker.read(cell, lambda cell, number=number: len(inputs(cell)) == number)  # type: ignore[misc]
        request = inputs(cell)[-1].request
        worker.host.send({"type": "input_response", "request": request, "value": line})
    return worker.finish(cell)


def inputs(cell: Cell) -> list[Input]:
    return [message for message in cell.messages if isinstance(message, Input)]


@pytest.mark.requirement("D9")
def test_input_is_answered_by_the_host(worker: Worker) -> None:
    cell = answered(worker, "print('before')\n'<' + input('Who? ') + '>'", "me")
    assert cell.result.value == "<me>"
    assert (inputs(cell)[0].prompt, inputs(cell)[0].password) == ("Who? ", False)
    assert cell.stdout == "before\n"


def test_a_password_is_asked_for_as_one(worker: Worker) -> None:
    cell = answered(worker, "import getpass\ngetpass.getpass()", "secret")
    assert cell.result.value == "secret"
    assert inputs(cell)[0].password


def test_the_end_of_input_is_an_error_of_input_and_nothing_to_stdin(worker: Worker) -> None:
    assert answered(worker, "input()", None).error.name == "EOFError"
    assert answered(worker, "import sys\nsys.stdin.read()", "a", "b", None).result.value == "a\nb\n"
    assert answered(worker, "[line for line in sys.stdin]", "c", None).result.repr == r"['c\n']"
    assert answered(worker, "sys.stdin.readline(2)", "long").result.value == "lo"
    assert worker.run("sys.stdin.readline()").result.value == "ng\n"


def test_where_nobody_answers_input_raises_at_once(worker: Worker) -> None:
    assert worker.run("input()", allow_stdin=False).error.name == "EOFError"


def test_input_from_a_thread_is_answered(worker: Worker) -> None:
    assert answered(worker, "input()", "threaded", threaded=True).result.value == "threaded"


def test_an_answer_that_nobody_waits_for_is_let_go(worker: Worker) -> None:
    worker.host.send({"type": "input_response", "request": "input-999", "value": "x"})
    worker.host.send({"type": "answer", "promise": "no-such", "ok": True})
    assert worker.run("1").result.value == 1


def ask(worker: Worker, code: str) -> tuple[Cell, Ask]:
    cell = worker.begin(code)
    worker.read(cell, lambda cell: isinstance(cell.messages[-1], Ask))
    message = cell.messages[-1]
    assert isinstance(message, Ask)
    return cell, message


@pytest.mark.requirement("D7")
@pytest.mark.parametrize(
    "call",
    [
        "await host.ask('store.get', {'key': 'k'}, timeout=9)",
        "host.ask_now('store.get', {'key': 'k'}, timeout=9)",
        "await host.request_response({'capability': 'store.get', 'key': 'k'}, timeout=9)",
    ],
)
def test_a_session_asks_its_host(worker: Worker, call: str) -> None:
    cell, message = ask(worker, call)
    assert (message.capability, message.payload, message.timeout) == ("store.get", {"key": "k"}, 9)
    worker.host.send({"type": "answer", "promise": message.promise, "ok": True, "value": [1, 2]})
    assert worker.finish(cell).result.repr == "[1, 2]"


def test_a_refusal_is_an_error(worker: Worker) -> None:
    cell, message = ask(worker, "await host.ask('http.fetch')")
    refusal = {"type": "answer", "promise": message.promise, "ok": False, "error": "not granted"}
    worker.host.send(refusal)
    error = worker.finish(cell).error
    assert (error.name, error.message) == ("CapabilityError", "not granted")


@pytest.mark.parametrize(
    ("code", "raised"),
    [("not-granted", "NotGranted"), ("promise-timed-out", "TimeoutError")],
)
def test_a_refusal_is_told_by_its_class(worker: Worker, code: str, raised: str) -> None:
    cell, message = ask(worker, "await host.ask('tasks.submit')")
    refusal = {"promise": message.promise, "ok": False, "error": "because", "code": code}
    worker.host.send({"type": "answer", **refusal})
    error = worker.finish(cell).error
    assert (error.name, error.message) == (raised, "because")


def test_a_refusal_can_be_caught(worker: Worker) -> None:
    catching = "try: await host.ask('magic')\nexcept host.NotGranted as e: told = (e.code, str(e))"
    cell, message = ask(worker, f"{catching}\ntold")
    refusal = {"promise": message.promise, "ok": False, "error": "no", "code": "not-granted"}
    worker.host.send({"type": "answer", **refusal})
    assert worker.finish(cell).result.repr == "('not-granted', 'no')"


def test_what_json_cannot_say_is_refused_where_it_is_asked(worker: Worker) -> None:
    assert worker.run("await host.ask('store.put', object())").error.name == "TypeError"


def test_a_question_can_be_interrupted(worker: Worker) -> None:
    for call in ("await host.ask('human.ask')", "host.ask_now('human.ask')"):
        cell, message = ask(worker, call)
        assert worker.interrupt(cell).error.name == "KeyboardInterrupt"
        withdrawn = [told for told in cell.messages if isinstance(told, Withdraw)]
        assert [told.promise for told in withdrawn] == [message.promise]
        worker.host.send({"type": "answer", "promise": message.promise, "ok": True, "value": 1})
    assert worker.run("1").result.value == 1
