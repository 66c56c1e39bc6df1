"""How often a model's service is asked again, and when; by a clock of the test's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import pytest

from inspan.errors import BadInput, Unable
from inspan.model.agent import Ending
from inspan.model.origin import Origin
from inspan.providers.completion import Model, asked

pytestmark = pytest.mark.anyio

MODEL = Model(kind="openai", name="m", key="k")


class Got(NamedTuple):
    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b"{}"


class Clock:
    def __init__(self) -> None:
        self.slept: list[float] = []

    def now(self) -> float:
        return 784_111_770.0  # 7 s before the date of RFC 9110's example

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


class Web:
    """Answers with each of ``answers``, and then with the last for ever."""

    def __init__(self, *answers: Got | Unable) -> None:
        self._answers = list(answers)

    async def ask(
        self, origin: Origin, target: str, headers: Mapping[str, str], body: bytes, most: int
    ) -> Got:
        found = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(found, Unable):
            raise found
        return found


async def tried(*answers: Got | Unable) -> tuple[list[float], Ending]:
    clock = Clock()
    got = await asked(MODEL, "x", Web(*answers), clock, lambda _: None)
    return clock.slept, got.outcome.ending


async def test_each_wait_is_twice_the_one_before_and_it_is_given_up_in_the_end() -> None:
    assert await tried(Got(503)) == ([1, 2, 4, 8, 16], Ending.OVERLOADED)
    assert await tried(Unable("gone")) == ([1, 2, 4, 8, 16], Ending.OVERLOADED)
    assert await tried(Got(429)) == ([1, 2, 4, 8, 16], Ending.QUOTA)


async def test_when_the_service_says_it_is_asked_then() -> None:
    later = Got(429, (("Retry-After", "7"),))
    dated = Got(503, (("retry-after", "Sun, 06 Nov 1994 08:49:37 GMT"),))
    odd = Got(503, (("retry-after", "soon"),))
    slept, ending = await tried(later, dated, odd, Got(200))
    assert (slept, ending) == ([7, 7, 4], Ending.EMPTY)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 413, 422, 301])
async def test_what_will_not_change_is_not_asked_again(status: int) -> None:
    assert (await tried(Got(status)))[0] == []


async def test_a_limit_is_no_pause() -> None:
    assert await tried(Got(429, (("retry-after", "301"),))) == ([], Ending.QUOTA)


async def test_a_key_goes_by_https_or_stays_here() -> None:
    for url in ("http://example.org/v1", "http://10.0.0.1", "ftp://x", "https://u:p@x"):
        with pytest.raises(BadInput):
            Model(kind="openai", name="m", key="k", url=url).place()
    for url in ("https://example.org/v1", "http://127.0.0.1:8080", "http://localhost/v1/"):
        Model(kind="openai", name="m", key="k", url=url).place()
    assert "sk-1" not in repr(Model(kind="openai", name="m", key="sk-1"))


@pytest.mark.parametrize("body", [b"", b"<html>", b"\xff", b"[" * 100_000, b"[1]", b'"x"'])
async def test_an_answer_that_is_none_is_told_as_no_words(body: bytes) -> None:
    got = await asked(MODEL, "x", Web(Got(200, (), body)), Clock(), lambda _: None)
    assert (got.text, got.outcome.ending) == ("", Ending.EMPTY)
    assert got.outcome.message == "the model answered without a word"
