"""Cells of a session that stays: the daemon goes, a stream breaks, or others are quicker."""

from __future__ import annotations

import argparse
from collections.abc import AsyncGenerator, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import pytest

from inspan.cli import py_log, py_open, reach
from inspan.cli.cellview import View
from inspan.cli.main import parser_of
from inspan.cli.named import Named
from inspan.client.remote import RemoteControl
from inspan.client.synccode import SyncCode
from inspan.control import Code
from inspan.errors import Conflict, DaemonUnreachable, FellBehind, InspanError, SessionNotFound
from inspan.model.code import CellOptions, CodeEvent, CodeSession, CodeSpec, Wanted
from tests.unit.cli.desk import Desk, desk

pytestmark = pytest.mark.requirement("D1", "D9")


@pytest.fixture
def daemon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    with desk(tmp_path, monkeypatch) as made:
        yield made


class Breaking:
    """``control.Code`` whose streams break off, each after one event."""

    def __init__(self, code: Code, *errors: InspanError) -> None:
        self._to = code
        self.errors = list(errors)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._to, name)

    async def follow(
        self, session: str, since: int | None = None, *, cell: str | None = None
    ) -> AsyncGenerator[CodeEvent, None]:
        async for event in self._to.follow(session, since, cell=cell):
            yield event
            if self.errors:
                raise self.errors.pop(0)


class Deaf(Breaking):
    """One that hears of nothing from the question on until an answer was refused."""

    def __init__(self, code: Code) -> None:
        super().__init__(code)
        self._refused = anyio.Event()

    async def follow(
        self, session: str, since: int | None = None, *, cell: str | None = None
    ) -> AsyncGenerator[CodeEvent, None]:
        async for event in self._to.follow(session, since, cell=cell):
            yield event
            if isinstance(event.fact, Wanted):
                await self._refused.wait()

    async def answer(self, session: str, request: str, text: str | None) -> None:
        try:
            await self._to.answer(session, request, text)
        except Conflict:
            self._refused.set()
            raise


class Quick(View):
    """The view of a person who is not as quick as another."""

    def __init__(self, code: Code, session: str) -> None:
        super().__init__(shown=True)
        self._code, self._session = code, session

    async def line(self, prompt: str, *, password: bool) -> str | None:
        del password
        self.printed("stdout", prompt.encode())
        await self._code.answer(self._session, "c1-in", "theirs")
        return "ours"


async def opened(code: Code) -> CodeSession:
    return await code.open(CodeSpec(cwd="/", name="desk"))


@pytest.mark.anyio
async def test_a_stream_that_breaks_is_taken_up_where_it_was_and_nothing_comes_twice(
    daemon: Desk, capfd: pytest.CaptureFixture[str]
) -> None:
    async with RemoteControl.connect(daemon.socket) as control:
        session = await opened(control.code)
        errors = (FellBehind(), DaemonUnreachable(), FellBehind())
        code = Breaking(control.code, *errors)
        named = Named(code, session, View(shown=True))
        assert await named.run("print('a')\nprint('b')\nprint('c')\n6 * 7") == 0
        assert code.errors == []
    assert capfd.readouterr().out == "a\nb\nc\n42\n"


@pytest.mark.anyio
async def test_a_daemon_that_goes_again_and_again_is_told_with_where_to_look(
    daemon: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("inspan.client.rejoin._OWN_MOMENT", 0.0)
    async with RemoteControl.connect(daemon.socket) as control:
        session = await opened(control.code)
        lines = "\n".join(f"print({number})" for number in range(30))
        code = Breaking(control.code, *(DaemonUnreachable() for _ in range(30)))
        named = Named(code, session, View(shown=True))
        with pytest.raises(DaemonUnreachable, match="again and again") as caught:
            await named.run(lines)
        assert "inspan py log desk" in caught.value.hint
        assert (await control.code.get(session.id)).cells == 1


@pytest.mark.anyio
@pytest.mark.parametrize("kind", [Breaking, Deaf])
async def test_a_line_that_somebody_else_gave_first_is_his(
    daemon: Desk, capfd: pytest.CaptureFixture[str], kind: type[Breaking]
) -> None:
    async with RemoteControl.connect(daemon.socket) as control:
        session = await opened(control.code)
        named = Named(kind(control.code), session, Quick(control.code, session.id))
        assert await named.run("name = input('who? ')\nname") == 0
    assert capfd.readouterr().out == "who? 'theirs'\n"


class BreakingSync:
    """``SyncCode`` whose first streams break off after one event."""

    def __init__(self, code: SyncCode, *errors: InspanError) -> None:
        self._code = code
        self._errors = list(errors)

    @contextmanager
    def follow(self, session: str, since: int) -> Iterator[Iterator[CodeEvent]]:
        with self._code.follow(session, since) as events:
            yield self._broken(events)

    def _broken(self, events: Iterable[CodeEvent]) -> Iterator[CodeEvent]:
        for event in events:
            yield event
            if self._errors:
                raise self._errors.pop(0)


@pytest.mark.anyio
async def test_a_log_that_breaks_goes_on_where_it_was(
    daemon: Desk, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async with RemoteControl.connect(daemon.socket) as control:
        session = await opened(control.code)
        async for _ in control.code.run(session.id, "print('once')", CellOptions()):
            continue
        await control.code.close(session.id)
    with ExitStack() as clients:
        blocking, found = clients.enter_context(daemon.control()), reach.successor
        monkeypatch.setattr(reach, "successor", lambda: clients.enter_context(found()))
        broken = BreakingSync(blocking.code, FellBehind(), FellBehind(), DaemonUnreachable())
        await anyio.to_thread.run_sync(
            lambda: py_log.follow(broken, session.id, as_json=False)  # type: ignore[arg-type]
        )
    assert capsys.readouterr().out.count("once\n") == 1


class Late:
    """``SyncCode`` that knows a session only after another one has opened it."""

    def __init__(self, code: SyncCode) -> None:
        self._code = code
        self._asked = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._code, name)

    def get(self, session: str) -> CodeSession:
        self._asked += 1
        if self._asked == 1:
            raise SessionNotFound
        return self._code.get(session)

    def list(self, *, ended: bool = False) -> tuple[CodeSession, ...]:
        del ended
        return ()


def flags(*words: str) -> argparse.Namespace:
    return parser_of("py")[0].parse_args(words)


def test_two_who_open_one_session_at_once_have_one(daemon: Desk) -> None:
    made = daemon.portal.call(opened, daemon.fake.code)
    with daemon.control() as control:
        found = py_open.opened(Late(control.code), flags("--session", "desk"))  # type: ignore[arg-type]
        assert found.id == made.id
        with pytest.raises(Conflict, match="--net"):
            py_open.opened(Late(control.code), flags("--session", "desk", "--net"))  # type: ignore[arg-type]
        assert len(control.code.list()) == 1


def test_the_newest_of_none_is_not_opened(daemon: Desk) -> None:
    with daemon.control() as control:
        with pytest.raises(SessionNotFound, match="no session yet"):
            py_open.opened(control.code, flags("--session", "last"))
        assert control.code.list(ended=True) == ()
