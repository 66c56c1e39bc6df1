import itertools

import pytest

from inspan.errors import IllegalTransition
from inspan.model.session import (
    CODE_TABLE,
    Chunk,
    CodeState,
    Ended,
    Gap,
    Output,
    Resized,
    follow,
)
from inspan.model.task import Exit


def test_the_chunks_of_a_session_are_told_apart_by_their_class() -> None:
    chunks: list[Chunk] = [
        Resized(0, 80, 24),
        Output(0, b"out"),
        Output(3, b"err", "err"),
        Gap(6, 10),
        Ended(10, Exit(code=0)),
    ]
    told = []
    for chunk in chunks:
        match chunk:
            case Output(offset, data, stream):
                told.append(f"{offset}+{len(data)} {stream}")
            case Gap(start, end):
                told.append(f"{start}-{end}")
            case Resized(_, cols, rows):
                told.append(f"{cols}x{rows}")
            case Ended(size, how):
                told.append(f"{size} {how.status if how else 'unknown'}")
    assert told == ["80x24", "0+3 out", "3+3 err", "6-10", "10 0"]


def test_a_code_session_becomes_ready_and_busy_in_turn_until_it_is_over() -> None:
    life = ["created", "starting", "ready", "busy", "ready", "busy", "terminated"]
    state = CodeState.CREATED
    for then in life[1:]:
        state = follow(state, CodeState(then))
    assert state is CodeState.TERMINATED


@pytest.mark.parametrize(("now", "then"), itertools.product(CodeState, CodeState))
def test_a_code_session_goes_only_where_the_table_says(now: CodeState, then: CodeState) -> None:
    if then in CODE_TABLE[now]:
        assert follow(now, then) is then
    else:
        with pytest.raises(IllegalTransition):
            follow(now, then)


def test_every_code_session_can_end_and_none_comes_back() -> None:
    alive = set(CodeState) - {CodeState.TERMINATED}
    assert all(CodeState.TERMINATED in CODE_TABLE[state] for state in alive)
    assert not CODE_TABLE[CodeState.TERMINATED]
    assert not any(CodeState.CREATED in row for row in CODE_TABLE.values())
