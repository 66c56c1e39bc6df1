"""Messages by HTTP, to servers of this machine."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager

import anyio
import pytest

from inspan.errors import InspanError, SecretMissing, Unable
from inspan.model.notice import Webhook
from inspan.notices import webhook
from inspan.notices.webhook import TRIES, TRYING, Posting, signature
from inspan.notices.wording import Message, message, trial
from inspan.providers.web import HttpWeb
from tests.fakes.clock import FakeClock
from tests.real.hooks import Hooks, serving
from tests.unit.notices.test_wording import one

pytestmark = pytest.mark.anyio
SAID = message("hook", [one(7)])


@pytest.fixture
def hooks() -> Iterator[Hooks]:
    with serving() as served:
        yield served


def posting(
    hook: Webhook, clock: FakeClock | None = None, secrets: dict[str, str] | None = None
) -> Posting:
    def look_up(reference: str) -> str:
        if secrets is None or reference not in secrets:
            raise SecretMissing(f"There is nothing behind the secret {reference}.")
        return secrets[reference]

    return Posting(hook, HttpWeb(), clock or FakeClock(), look_up)


async def deliver(hook: Webhook, said: Message = SAID, **more: object) -> None:
    with anyio.fail_after(20):
        await posting(hook, **more).deliver(said)  # type: ignore[arg-type]


async def test_facts_arrive_as_json(hooks: Hooks) -> None:
    await deliver(Webhook(url=f"{hooks.url}?k=v"))
    (came,) = hooks.came
    assert came.path == "/hook?k=v"
    assert came.headers["content-type"] == "application/json"
    assert came.headers["webhook-id"] == "inspan-hook-7"
    assert "webhook-signature" not in came.headers
    assert came.facts["tasks"][0]["id"] == "id7"


async def test_it_is_signed_where_a_secret_is_named(hooks: Hooks) -> None:
    clock = FakeClock(now=1_700_000_000.5)
    hook = Webhook(url=hooks.url, secret="env:S")
    await deliver(hook, clock=clock, secrets={"env:S": "a plain secret"})
    (came,) = hooks.came
    signed = b"inspan-hook-7.1700000000." + came.body
    digest = hmac.new(b"a plain secret", signed, hashlib.sha256).digest()
    assert came.headers["webhook-timestamp"] == "1700000000"
    assert came.headers["webhook-signature"] == f"v1,{base64.b64encode(digest).decode()}"


def test_signatures_are_those_of_standard_webhooks() -> None:
    # The example of its reference libraries.
    secret, ident = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek"
    signed = signature(secret, ident, "1614265330", b'{"test": 2432232314}')
    assert signed == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_a_secret_that_is_none_is_told_without_it() -> None:
    with pytest.raises(Unable) as caught:
        signature("whsec_%%%hush%%%", "i", "1", b"")
    assert "hush" not in caught.value.message


async def test_what_a_reference_leads_to_is_used_and_never_told(hooks: Hooks) -> None:
    await deliver(Webhook(url="env:U", referred=True), secrets={"env:U": hooks.url})
    assert len(hooks.came) == 1
    for url in ("not a url hush", f"http://hush:hush@127.0.0.1:{hooks.port}/"):
        with pytest.raises(Unable, match="its webhook is no URL") as caught:
            await deliver(Webhook(url="env:U", referred=True), secrets={"env:U": url})
        assert "hush" not in str(caught.value)
    with pytest.raises(SecretMissing):
        await deliver(Webhook(url="env:U", referred=True), secrets={})
    assert len(hooks.came) == 1


@asynccontextmanager
async def delivering(
    hook: Webhook, clock: FakeClock, said: Message = SAID
) -> AsyncIterator[list[str]]:
    """It goes on beside the block; what became of it is in the list when it has ended."""
    ended: list[str] = []

    async def run() -> None:
        try:
            await posting(hook, clock).deliver(said)
        except InspanError as error:
            ended.append(error.message)
        else:
            ended.append("")

    async with anyio.create_task_group() as group:
        group.start_soon(run)
        with anyio.fail_after(30):
            yield ended
        group.cancel_scope.cancel()


async def passing(clock: FakeClock, true: Callable[[], object], step: float = 0.5) -> float:
    """Let time pass until that is so; how much had to. None does while a request is under way."""
    begun = clock.monotonic()
    while not true():
        if clock.sleepers:
            await clock.advance(step)
        await anyio.sleep(0.002)
    return clock.monotonic() - begun


async def test_it_is_tried_again_later_each_time_with_the_same_id(hooks: Hooks) -> None:
    hooks.answers = [(503, {}), (500, {}), (429, {})]
    clock = FakeClock()
    async with delivering(Webhook(url=hooks.url, secret=None), clock) as ended:
        took = await passing(clock, lambda: ended)
    assert ended == [""]
    assert len(hooks.came) == 4
    assert {came.headers["webhook-id"] for came in hooks.came} == {"inspan-hook-7"}
    assert len({came.headers["webhook-timestamp"] for came in hooks.came}) > 1
    assert took >= 1 + 2 + 4


async def test_it_is_not_tried_for_ever(hooks: Hooks) -> None:
    hooks.answers = [(503, {})] * 99
    clock = FakeClock()
    async with delivering(Webhook(url=hooks.url), clock) as ended:
        took = await passing(clock, lambda: ended)
    assert ended == [f"http://127.0.0.1:{hooks.port} answers 503; tried 6 times"]
    assert len(hooks.came) == TRIES
    assert took <= TRYING


async def test_it_waits_as_long_as_it_is_asked_to_and_no_longer_than_it_would(
    hooks: Hooks,
) -> None:
    hooks.answers = [(429, {"Retry-After": "30"})]
    clock = FakeClock()
    async with delivering(Webhook(url=hooks.url), clock) as ended:
        assert await passing(clock, lambda: ended) >= 30
    assert ended == [""]
    hooks.answers = [(429, {"Retry-After": "9999"})]
    async with delivering(Webhook(url=hooks.url), clock) as ended:
        assert await passing(clock, lambda: ended) < 30
    assert ended == [f"http://127.0.0.1:{hooks.port} answers 429; tried once"]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 422])
async def test_what_another_try_would_not_change_is_not_tried_again(
    hooks: Hooks, status: int
) -> None:
    hooks.answers = [(status, {})]
    with pytest.raises(Unable, match=f"answers {status}"):
        await deliver(Webhook(url=hooks.url))
    assert len(hooks.came) == 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_no_redirect_is_followed(hooks: Hooks, status: int) -> None:
    with serving() as elsewhere:
        hooks.answers = [(status, {"Location": elsewhere.url})]
        with pytest.raises(Unable, match="redirects are not followed"):
            await deliver(Webhook(url=hooks.url))
        assert len(hooks.came) == 1
        assert elsewhere.came == []


async def test_a_server_that_is_not_there_is_tried_again() -> None:
    async with await anyio.create_tcp_listener(local_host="127.0.0.1") as gone:
        port = gone.extra(anyio.abc.SocketAttribute.local_port)
    clock = FakeClock()
    async with delivering(Webhook(url=f"http://127.0.0.1:{port}/"), clock) as ended:
        await passing(clock, lambda: ended)
    assert "cannot be reached" in ended[0]
    assert "tried 6 times" in ended[0]


async def test_a_server_that_never_answers_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhook, "PATIENCE", 0.05)
    silent = await anyio.create_tcp_listener(local_host="127.0.0.1")
    port = silent.extra(anyio.abc.SocketAttribute.local_port)
    async with silent:
        with pytest.raises(Unable, match=r"has not answered within 0\.05 s; tried once"):
            await deliver(Webhook(url=f"http://127.0.0.1:{port}/"), trial("hook", 1.0))


@pytest.mark.parametrize(
    ("hook", "address", "may"),
    [
        (Webhook(url="http://localhost/"), "127.0.0.1", True),
        (Webhook(url="http://localhost/"), "::1", True),
        (Webhook(url="http://localhost/"), "10.0.0.1", False),
        (Webhook(url="http://localhost/"), "93.184.215.14", False),
        (Webhook(url="http://box.lan/", plain=True), "10.0.0.1", True),
        (Webhook(url="http://box.lan/", plain=True), "169.254.169.254", False),
        (Webhook(url="https://a.example/"), "10.0.0.1", True),
        (Webhook(url="https://a.example/"), "169.254.169.254", False),
        (Webhook(url="https://a.example/"), "fe80::1%eth0", False),
        (Webhook(url="https://a.example/"), "0.0.0.0", False),
        (Webhook(url="https://a.example/"), "224.0.0.1", False),
    ],
)
async def test_where_a_name_leads_is_looked_at(hook: Webhook, address: str, may: bool) -> None:
    judged: list[bool] = []

    class Resolving:
        async def post(
            self, origin: object, target: str, headers: object, body: bytes, allowed: object
        ) -> tuple[int, dict[str, str]]:
            assert callable(allowed)
            judged.append(allowed(address))
            return 200, {}

    await Posting(hook, Resolving(), FakeClock(), lambda _: "").deliver(SAID)
    assert judged == [may]


async def test_a_reference_to_what_others_can_read_is_not_used() -> None:
    hook = Webhook(url="env:U", referred=True)
    with pytest.raises(Unable, match="is not https"):
        await deliver(hook, secrets={"env:U": "http://hooks.example/"})


async def test_an_address_where_nobody_may_be_told_is_not_asked() -> None:
    with pytest.raises(Unable, match="leads to an address where nobody may be told"):
        await deliver(Webhook(url="http://169.254.169.254/latest", plain=True))
