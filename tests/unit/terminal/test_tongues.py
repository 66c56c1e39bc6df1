"""What is asked in other languages, and the words in which the rules have it."""

from __future__ import annotations

import pytest

from inspan.terminal.signs import Sign, signs_of
from inspan.terminal.tongues import english


@pytest.mark.parametrize(
    ("said", "read"),
    [
        ("是否允许？", "Do you want to allow?"),
        ("［Y] 允许  ［N] 拒绝", "[Y] allow  [N] deny"),
        ("不允许", "deny"),
        ("実行しますか？", "Do you want to run??"),
        ("계속할까요?", "Do you want to continue??"),
        ("Ausführen? [j/n]", "Ausführen? [y/n]"),
        ("Exécuter ? (o/n)", "Exécuter ? (y/n)"),
        ("¿Ejecutar? (s/n)", "¿Ejecutar? (y/n)"),
        ("Выполнить? (д/н)", "Выполнить? (y/n)"),
    ],
)
def test_a_question_is_read_in_the_words_of_the_rules(said: str, read: str) -> None:
    assert english(said) == read


@pytest.mark.parametrize("said", ["Run it? [y/n]", "", "src/jo/ns.py", "a café by the sea"])
def test_what_has_none_of_them_stays_as_it_is(said: str) -> None:
    assert english(said) == said


def test_a_row_of_keys_and_their_words_has_its_answers_by_letters() -> None:
    row = "Enter Once · A Always · N Deny"
    assert Sign.LETTERS in signs_of(row)
    assert Sign.LETTERS not in signs_of("Once it ran · Always denied by the rules of then")


def test_what_was_answered_in_its_own_row_asks_no_more() -> None:
    asks = english("输入 y 允许, n 拒绝:")
    assert signs_of(asks)
    assert signs_of(f"{asks} y") < signs_of(asks)
