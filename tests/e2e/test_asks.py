"""What code asks of its host, before a real daemon with real workers that is killed meanwhile."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from inspan.client.synccode import SyncCode
from inspan.errors import Conflict
from inspan.model.code import (
    Cell,
    CellEnd,
    CellEnded,
    CellState,
    CodeEvent,
    CodeSession,
    CodeSpec,
    Given,
    Grants,
    Wanted,
)
from tests.real.console import Console
from tests.real.daemon import Daemon, until

pytestmark = [pytest.mark.timeout(180), pytest.mark.requirement("D6", "D7")]

SUBMIT = """
task = await host.ask("tasks.submit", {"command": ["sh", "-c", "echo from the task; exit 3"]})
ended = await host.ask("tasks.wait", {"task": task})
(ended["task"] == task, ended["state"], ended["exit"])
"""
QUESTION = 'await host.ask("human.ask", {"question": "Which one?"}, timeout=300)'


@pytest.fixture(scope="module")
def daemon() -> Iterator[Daemon]:
    with Daemon() as running:
        yield running


def opened(daemon: Daemon, code: SyncCode, *capabilities: str) -> CodeSession:
    grants = Grants(capabilities=capabilities)
    env = {"PATH": os.environ["PATH"]}
    return code.open(CodeSpec(cwd=str(daemon.home), env=env, grants=grants))


def end_of(code: SyncCode, cell: Cell) -> CellEnd:
    with code.follow(cell.session, cell=cell.id) as events:
        return next(event.fact.end for event in events if isinstance(event.fact, CellEnded))


def ran(code: SyncCode, session: CodeSession, text: str) -> CellEnd:
    return end_of(code, code.execute(session.id, text))


def wanted(code: SyncCode, session: CodeSession) -> list[CodeEvent]:
    told = code.transcript(session.id)
    return [event for event in told if isinstance(event.fact, Wanted)]


def test_a_session_submits_a_task_and_waits_for_it(daemon: Daemon) -> None:
    with daemon.control() as control:
        session = opened(daemon, control.code, "tasks")
        end = ran(control.code, session, SUBMIT)
        assert end.repr == "(True, 'failed', 3)", end
        (task,) = control.list().tasks
        assert daemon.output(task.id).split() == [b"from", b"the", b"task"]
        assert (task.spec.cwd, task.spec.env) == (session.spec.cwd, session.spec.env)
        control.code.close(session.id)


def test_a_person_answers_from_outside(daemon: Daemon) -> None:
    with daemon.control() as control:
        session = opened(daemon, control.code, "human")
        cell = control.code.execute(session.id, QUESTION)
        until(lambda: wanted(control.code, session), "the question")
        (event,) = wanted(control.code, session)
        assert isinstance(event.fact, Wanted)
        assert (event.fact.cell, event.fact.prompt) == (cell.id, "Which one?")
        control.code.answer(session.id, event.fact.request, "the left one")
        assert end_of(control.code, cell).repr == "'the left one'"
        with pytest.raises(Conflict):
            control.code.answer(session.id, event.fact.request, "the right one")
        control.code.close(session.id)


def test_an_interrupted_question_is_taken_back(daemon: Daemon) -> None:
    with daemon.control() as control:
        session = opened(daemon, control.code, "human")
        cell = control.code.execute(session.id, QUESTION)
        until(lambda: wanted(control.code, session), "the question")
        control.code.interrupt(session.id)
        assert end_of(control.code, cell).state is CellState.INTERRUPTED
        (event,) = wanted(control.code, session)
        assert isinstance(event.fact, Wanted)
        given = Given(event.fact.request)
        until(
            lambda: given in [one.fact for one in control.code.transcript(session.id)],
            "the question to be taken back",
        )
        with pytest.raises(Conflict):
            control.code.answer(session.id, event.fact.request, "too late")
        control.code.close(session.id)


def test_what_is_asked_outlives_the_daemon(daemon: Daemon) -> None:
    gate = daemon.home / "gate"
    waiting = f"while [ ! -e {gate} ]; do sleep 0.05; done"
    both = f"""
import asyncio

async def waited(task):
    # A daemon that is killed before it has stored a question answers that it is to be asked again.
    while True:
        try:
            return await host.ask("tasks.wait", {{"task": task}}, timeout=300)
        except host.CapabilityError as error:
            if "ask again" not in str(error):
                raise

task = await host.ask("tasks.submit", {{"command": ["sh", "-c", {waiting!r}]}})
answer, ended = await asyncio.gather(
    {QUESTION.removeprefix("await ")},
    waited(task),
)
(answer, ended["state"])
"""
    with daemon.control() as control:
        session = opened(daemon, control.code, "tasks", "human")
        cell = control.code.execute(session.id, both)
        until(lambda: wanted(control.code, session), "the question")
        tasks = len(control.list().tasks)
    daemon.kill()
    gate.touch()
    daemon.start()
    with daemon.control() as control:
        (event,) = wanted(control.code, session)
        assert isinstance(event.fact, Wanted)
        control.code.answer(session.id, event.fact.request, "the left one")
        assert end_of(control.code, cell).repr == "('the left one', 'completed')"
        assert len(control.list().tasks) == tasks
        told = [event.fact for event in control.code.transcript(session.id)]
        assert [fact for fact in told if isinstance(fact, Given)] == [Given(event.fact.request)]
        control.code.close(session.id)


def test_what_cannot_be_done_is_told(daemon: Daemon) -> None:
    with daemon.control() as control:
        session = opened(daemon, control.code, "tasks")
        error = ran(control.code, session, "await host.ask('tasks.wait', {'task': 'none'})").error
        assert error is not None
        assert (error.name, error.message[:8]) == ("CapabilityError", "no task ")
        control.code.close(session.id)


KEPT = """
before = await host.ask("store.get", {"key": "k"})
await host.ask("store.put", {"key": "k", "value": {"n": [1, None]}})
(before, await host.ask("store.get", {"key": "k"}))
"""


def test_what_code_keeps_is_there_for_the_sessions_that_share_it(daemon: Daemon) -> None:
    kept = "{'n': [1, None]}"
    with daemon.control() as control:
        first, own = (opened(daemon, control.code, name) for name in ("store=it", "store"))
        assert ran(control.code, first, KEPT).repr == f"(None, {kept})"
        assert ran(control.code, own, KEPT).repr == f"(None, {kept})"
    daemon.kill()
    daemon.start()
    with daemon.control() as control:
        second, other = (opened(daemon, control.code, name) for name in ("store=it", "store"))
        found = [ran(control.code, one, KEPT).repr for one in (second, other, own)]
        assert found == [f"({kept}, {kept})", f"(None, {kept})", f"({kept}, {kept})"]
        for one in (first, own, second, other):
            control.code.close(one.id)


def test_a_command_grants_what_its_session_may_ask_for(pages: str) -> None:
    human = "await host.ask('human.ask', {'question': 'Which? '})"
    page = f"(await host.ask('http.fetch', {{'url': '{pages}/x'}}))['text']"
    task = "await host.ask('tasks.submit', {'command': ['true']})"
    with Console() as console:

        def py(*words: str, given: bytes = b"") -> tuple[int, str]:
            ran = console.run("py", *words, given=given)
            return ran.returncode, ran.stdout.decode() + ran.stderr.decode()

        for where in ((), ("--session", "it")):
            flags = (*where, "--grant", "human", "--grant", f"http={pages}")
            assert py(*flags, "-c", f"print({page})")[1].startswith("hi /x\n")
            assert py(*flags, "-c", human, given=b"left\n")[1] == "Which? 'left'\n"
            status, said = py(*flags, "-c", task)
            assert (status, "NotGranted" in said, "--grant tasks`" in said) == (1, True, True)
        status, said = py("--grant", "tasks", "-c", task)
        assert (status, "`inspan py --session NAME --grant tasks`" in said) == (2, True)
        status, said = py("--session", "other", "--grant", "tasks", "-c", f"len({task})")
        assert (status, said.splitlines()[0]) == (0, "26")
        status, said = py("--session", "it", "--grant", "tasks", "-c", "1")
        assert "was opened without --grant tasks" in said


class Pages(BaseHTTPRequestHandler):
    """A page, and one that leads away."""

    def do_GET(self) -> None:
        self.send_response(302 if self.path == "/away" else 200)
        self.send_header("Location", "http://127.0.0.1:9/")
        self.end_headers()
        self.wfile.write(f"hi {self.path}".encode())

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def pages() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Pages) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_a_session_without_a_network_fetches_what_it_was_granted(
    daemon: Daemon, pages: str
) -> None:
    asking = f"await host.ask('http.fetch', {{'url': '{pages}/page'}})"
    with daemon.control() as control:
        session = opened(daemon, control.code, f"http={pages}")
        end = ran(control.code, session, f"page = {asking}\n(page['status'], page['text'])")
        assert end.repr == "(200, 'hi /page')", end
        error = ran(control.code, session, asking.replace("/page", "/away")).error
        assert error is not None
        assert error.name == "NotGranted"
        assert f"http://127.0.0.1:9, where {pages} redirects to" in error.message
        control.code.close(session.id)
        port = pages.rpartition(":")[2]
        session = opened(daemon, control.code, f"http=http://example.invalid:{port}")
        error = ran(control.code, session, asking).error
        assert error is not None
        assert (error.name, f"'http={pages}'" in error.message) == ("NotGranted", True)
        control.code.close(session.id)


@pytest.mark.parametrize(
    ("capability", "grant"),
    [
        *(("tasks.submit", "tasks"), ("tasks.wait", "tasks"), ("human.ask", "human")),
        *(("store.get", "store"), ("store.put", "store"), ("http.fetch", "http")),
    ],
)
def test_what_was_not_granted_is_refused_with_the_grant(
    daemon: Daemon, capability: str, grant: str
) -> None:
    with daemon.control() as control:
        session = opened(daemon, control.code)
        end = ran(control.code, session, f"await host.ask({capability!r}, {{}})")
        assert (end.state, end.error and end.error.name) == (CellState.FAILED, "NotGranted")
        assert end.error is not None
        assert f"was not granted {grant!r}, which {capability!r} needs" in end.error.message
        assert f"`inspan py --session NAME --grant {grant}" in end.error.message
        control.code.close(session.id)
