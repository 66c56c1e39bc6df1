"""What a session of one program may ask for."""

from __future__ import annotations

import pytest

from inspan.engine.code.alone import Alone
from inspan.engine.code.ports import Fetched
from inspan.errors import BadInput, NotFound, NotGranted, PromiseRejected
from tests.fakes.web import FakeWeb

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("D7")]


async def person(question: str) -> str | None:
    """Who has an answer to one question."""
    return "Ada" if question == "Who?" else None


def alone(*capabilities: str) -> Alone:
    web = FakeWeb()
    web.pages["https://a.org/"] = Fetched(200, (), b"hi")
    return Alone(web, capabilities, person)


async def test_what_was_granted_is_answered() -> None:
    answer = alone("http=https://a.org", "human")
    assert (await answer("http.fetch", {"url": "https://a.org"}))["text"] == "hi"
    assert await answer("human.ask", {"question": "Who?"}) == "Ada"
    with pytest.raises(PromiseRejected):
        await answer("human.ask", {"question": "Why?"})
    with pytest.raises(NotGranted):
        await answer("http.fetch", {"url": "https://b.org"})


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("human.ask", "`--grant human` does"),
        ("http.fetch", "`--grant http=ORIGIN` does"),
        ("tasks.submit", "`inspan py --session NAME --grant tasks`"),
        ("store.get", "`inspan py --session NAME --grant store`"),
    ],
)
async def test_what_was_not_granted_names_what_grants_it(name: str, words: str) -> None:
    with pytest.raises(NotGranted) as refused:
        await alone()(name, {})
    assert words in refused.value.message


async def test_what_there_is_not_is_said() -> None:
    for name in ("magic", "http.post", "human"):
        with pytest.raises(NotFound):
            await alone("human")(name, {})


@pytest.mark.parametrize("word", ["tasks", "store=it", "magic", "http", "http=a.org", "human=Ada"])
def test_what_cannot_be_granted_is_refused(word: str) -> None:
    with pytest.raises(BadInput):
        alone(word)
