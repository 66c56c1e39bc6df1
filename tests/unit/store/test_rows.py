from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspan.model.event import Exited
from inspan.model.plain import dump, encoder
from inspan.model.task import Exit
from inspan.store.rows import text, untext
from inspan.store.statements import statement, statement_of

#: Text of every kind, lone surrogates and the escape included.
TEXT = st.text(st.characters(codec=None, categories=None) | st.just("\x1a"))


@given(TEXT)
def test_every_text_comes_back(value: str) -> None:
    text(value).encode()
    assert untext(text(value)) == value


@given(TEXT, TEXT)
def test_distinct_texts_stay_distinct(one: str, other: str) -> None:
    assert (text(one) == text(other)) == (one == other)


def strange(*_: Any) -> None:
    raise TypeError


@pytest.mark.parametrize("make", [json.encoder.c_make_encoder, None, strange])  # type: ignore[attr-defined]
def test_the_encoder_is_the_documented_one_whatever_it_is_made_of(make: Any) -> None:
    encode = encoder(make, allow_nan=False)
    some: list[Any] = [{}, [], "\udcff", {"a": [1, 2.5, None, True, {"b": "é"}]}]
    for plain in some:
        assert encode(plain) == json.dumps(plain, separators=(",", ":"))
    fact = Exited(1, Exit(code=3), 5)
    assert json.loads(encode(fact)) == dump(fact)
    with pytest.raises(ValueError, match="JSON compliant"):
        encode({"a": float("inf")})


def test_a_statement_of_many_rows_is_made_of_one_that_inserts_a_row() -> None:
    one = statement("insert_attempt")
    assert statement_of("insert_attempt", 1) == one
    assert statement_of("insert_attempt", 3).count("(?, ?, ?, ?, ?)") == 3
    with pytest.raises(ValueError, match="update_task inserts no row"):
        statement_of("update_task", 2)
