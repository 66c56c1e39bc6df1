"""What was said in a session, made out of what is recorded of it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from inspan.agents.claude import Claude
from inspan.agents.dialect import Turn
from inspan.model.agent import Mode
from inspan.model.session import Gap, Output, Resized
from inspan.server import conversation
from inspan.server.conversation import GONE, Conversation, Shown, Spoken
from inspan.server.replies import Author
from inspan.terminal.screen import backend

pytestmark = pytest.mark.requirement("C6")

USER, AGENT = Author.USER, Author.AGENT


def line(**message: Any) -> bytes:
    return json.dumps({"session_id": "a-1", **message}).encode() + b"\n"


def says(text: str, number: int) -> bytes:
    content = [{"type": "text", "text": text}]
    return line(
        type="assistant", message={"id": f"m-{number}", "role": "assistant", "content": content}
    )


ENDS = line(type="result", subtype="success", is_error=False, num_turns=1, result="", usage={})


def by_lines() -> Conversation:
    talk = Claude().talk(Turn(prompt="do it", mode=Mode.STREAM))
    return Conversation(Spoken(talk), "do it", 5.0)


def fed(talked: Conversation, *pieces: bytes) -> list[tuple[Author, str]]:
    at = 0
    for piece in pieces:
        talked.feed(Output(at, piece, "out"))
        at += len(piece)
    return [(each.author, each.text) for each in talked.messages()]


def test_each_turn_of_an_agent_answers_one_message() -> None:
    talked = by_lines()
    assert fed(talked, says("looking", 1)) == [(USER, "do it"), (AGENT, "looking")]
    talked.prompted("and the tests", 9.0)
    # It was at work when that came: what it says until its turn ends is still of the first.
    assert fed(talked, says("done", 2), ENDS, says("they pass", 3), ENDS) == [
        (USER, "do it"),
        (AGENT, "looking\ndone"),
        (USER, "and the tests"),
        (AGENT, "they pass"),
    ]
    assert [(each.id, each.at) for each in talked.messages()] == [(0, 5), (1, 5), (2, 9), (3, 9)]


def test_what_the_agent_does_by_itself_belongs_to_its_last_message() -> None:
    assert fed(by_lines(), says("one", 1), ENDS, says("two", 2), ENDS) == [
        (USER, "do it"),
        (AGENT, "one\ntwo"),
    ]


def test_a_gap_and_what_is_no_line_of_it_are_passed_over() -> None:
    talked = by_lines()
    talked.feed(Output(0, says("one", 1)[:30], "out"))
    talked.feed(Gap(30, 900))
    talked.feed(Output(900, b'of a line"}\n' + says("two", 2), "out"))
    talked.feed(Output(2000, says("a complaint", 3), "err"))
    assert [each.text for each in talked.messages()] == ["do it", "two"]


def test_a_long_conversation_costs_no_more_than_its_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conversation, "WORDS_MOST", 100)
    talked = by_lines()
    turns = [piece for n in range(9) for piece in (says(f"{n}" * 40, n), ENDS)]
    for n in range(8):
        talked.prompted("more", n)
    told = [text for author, text in fed(talked, *turns) if author is AGENT]
    assert told == [*[GONE] * 7, "7" * 40, "8" * 40]
    # And no more of one answer alone, of which the end is kept.
    assert 0 < len(fed(by_lines(), says("x" * 500, 1))[1][1]) <= 100


def test_on_a_terminal_what_is_new_on_the_screen_is_the_answer() -> None:
    shown = Shown(backend())
    talked = Conversation(shown, None, 0.0)
    talked.feed(Resized(0, 40, 10))
    assert fed(talked, b"ready\r\n> ") == [(AGENT, "ready\n>")]
    talked.prompted("hello", 1.0)
    assert fed(talked, b"hello\r\n\x1b[1myou said hello\x1b[0m\r\n> ") == [
        (AGENT, "ready\n>"),
        (USER, "hello"),
        (AGENT, "> hello\nyou said hello\n>"),
    ]
    # What only moves about is not new, and what is drawn anew stands once.
    talked.prompted("again", 2.0)
    assert fed(talked, b"\x1b[2J\x1b[Hready\r\nagain: you said again")[-1] == (
        AGENT,
        "again: you said again",
    )
    assert shown.screen() == "ready\nagain: you said again"


def test_lines_of_a_pipe_begin_at_the_left() -> None:
    assert fed(Conversation(Shown(backend()), None, 0.0), b"one\ntwo\n") == [(AGENT, "one\ntwo")]


def test_nothing_that_is_shown_can_steer_a_terminal() -> None:
    (said,) = fed(Conversation(Shown(backend()), None, 0.0), b"a\x1b]52;c;eA==\x07b\xe2\x80\xaec")
    assert "\x1b" not in said[1]
    assert "\u202e" not in said[1]
