from __future__ import annotations

import json
from collections import deque
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inspan.client.codecalls import Talk, to_execute, to_follow, to_run
from inspan.errors import BadInput, DaemonUnreachable, InspanError
from inspan.model.code import (
    CODE_FACTS,
    CellEnd,
    CellEnded,
    CellEntered,
    CellOptions,
    CellState,
    CodeEvent,
    Printed,
)
from inspan.server import schema
from inspan.server.code import encoded
from tests.unit.model import samples

pytestmark = pytest.mark.requirement("D1")

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
WORDS = st.sampled_from(("execute", "run", "follow", "session", "code", "since", "cell", "options"))
TOLD = st.sampled_from(("seq", "fact", "over", "refused", "cell", "following", "kind", "code"))


def listed(*events: CodeEvent) -> bytes:
    """They, as the server tells them in one message."""
    return b"[" + b",".join(map(encoded, events)) + b"]"


def objects(names: st.SearchStrategy[str]) -> st.SearchStrategy[Any]:
    """JSON objects that nearly say something."""
    return st.recursive(
        JSON | st.dictionaries(names, JSON, max_size=3),
        lambda inner: st.dictionaries(names, inner, max_size=3),
        max_leaves=5,
    )


@given(st.sampled_from(sorted(CODE_FACTS)).flatmap(lambda kind: samples.of(CODE_FACTS[kind])))
def test_every_event_crosses_the_wire_as_it_was(fact: Any) -> None:
    event = CodeEvent(7, 1.5, "py-1", fact)
    assert [*Talk().events(listed(event))] == [event]


@given(st.text(st.characters()))
def test_what_is_no_utf_8_crosses_in_what_is_printed(text: str) -> None:
    event = CodeEvent(1, 0.0, "py-1", Printed("c1", "stdout", text, 3))
    raw = listed(event)
    assert raw.isascii()
    assert [*Talk().events(raw)] == [event]


@given(st.text(), st.text(), samples.of(CellOptions))
def test_the_server_reads_what_the_client_says_of_a_cell(
    session: str, code: str, options: CellOptions
) -> None:
    said = schema.read(schema.Said, to_execute(session, code, options))
    assert said == schema.Said(
        execute=schema.ToExecute(session=session, code=code, options=options)
    )


@given(st.text(), st.text(), samples.of(CellOptions))
def test_the_server_reads_what_the_client_says_of_a_cell_it_follows(
    session: str, code: str, options: CellOptions
) -> None:
    said = schema.read(schema.Said, to_run(session, code, options))
    assert said == schema.Said(run=schema.ToExecute(session=session, code=code, options=options))


@given(st.text(), st.none() | st.integers(0, 2**63 - 1), st.none() | st.text())
def test_the_server_reads_what_the_client_says_of_a_following(
    session: str, since: int | None, cell: str | None
) -> None:
    said = schema.read(schema.Said, to_follow(session, since, cell))
    assert said == schema.Said(follow=schema.ToFollow(session=session, since=since, cell=cell))


@given(objects(WORDS).map(json.dumps).map(str.encode) | st.binary())
@settings(max_examples=300)
def test_whatever_is_said_is_understood_or_refused(raw: bytes) -> None:
    with suppress(BadInput):
        schema.read(schema.Said, raw)


@given(
    (objects(TOLD) | st.lists(objects(TOLD), max_size=3)).map(json.dumps).map(str.encode)
    | st.binary()
)
@settings(max_examples=300)
def test_whatever_is_told_is_understood_or_an_error_of_ours(raw: bytes) -> None:
    with suppress(InspanError):
        Talk().cell(raw)
    with suppress(InspanError):
        deque(Talk().events(raw), maxlen=0)


def test_the_end_of_a_connection_is_no_end_of_a_cell() -> None:
    with pytest.raises(DaemonUnreachable):
        next(Talk().events(None))
    with pytest.raises(DaemonUnreachable):
        Talk().cell(None)


def test_what_is_told_of_one_cell_is_over_with_its_end() -> None:
    entered = CodeEvent(1, 0.0, "py-1", CellEntered("c1", 1, "1"))
    ended = CodeEvent(2, 0.0, "py-1", CellEnded("c1", CellEnd(state=CellState.DONE)))
    for one in (True, False):
        for messages in ([[entered], [ended]], [[entered, ended]]):
            talk = Talk(one=one)
            told = (event for message in messages for event in talk.events(listed(*message)))
            assert next(told) == entered
            assert not talk.over
            assert next(told) == ended
            assert talk.over is one


def test_text_that_no_wire_carries_is_refused_before_it_is_sent() -> None:
    with pytest.raises(BadInput):
        to_execute("s", "\udcff", CellOptions())
