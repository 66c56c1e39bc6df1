"""One question to a model's service, as Anthropic's or OpenAI's API has it, and its answer.

It is asked again where the service says later, or cannot be reached, and tells of it. The key goes
into a header and nowhere else.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime
from typing import Any, Final, Protocol

import anyio

from inspan.agents.endings import by_status
from inspan.errors import BadInput, InspanError, Unable
from inspan.model.agent import Ending, Outcome, Usage
from inspan.model.origin import Origin, parsed
from inspan.model.value import field, named_value, value

#: The kinds of service: where each is, and where under that a question goes.
KINDS: Final[Mapping[str, tuple[str, str]]] = {
    "anthropic": ("https://api.anthropic.com/v1", "/messages"),
    "openai": ("https://api.openai.com/v1", "/chat/completions"),
}
_VERSION: Final = "2023-06-01"
_LONGEST: Final = 16 << 20
#: Seconds for one answer.
PATIENCE: Final = 600.0
_TRIES: Final = 6
_FIRST_WAIT: Final = 1.0
_LONGEST_WAIT: Final = 60.0
#: Where a service says later than that, it is no pause but a limit.
_WAITED_MOST: Final = 300.0
_AGAIN: Final = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 529})
_LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")


class Posted(Protocol):
    """An answer by HTTP, as ``HttpWeb`` has it."""

    @property
    def status(self) -> int: ...
    @property
    def headers(self) -> tuple[tuple[str, str], ...]: ...
    @property
    def body(self) -> bytes: ...


class Clock(Protocol):
    """What of ``ports.Clock`` is needed."""

    def now(self) -> float: ...
    async def sleep(self, seconds: float) -> None: ...


class Web(Protocol):
    """What asks."""

    async def ask(
        self, origin: Origin, target: str, headers: Mapping[str, str], body: bytes, most: int
    ) -> Posted:
        """``body`` to it, and the answer. Raises Unable."""
        ...


@named_value
class Model:
    """Which model is asked, where, and by which key; ``price``: dollars per million tokens."""

    kind: str
    name: str
    key: str = field(repr=False)
    url: str = ""
    most: int = 16_384
    read_price: float | None = None
    written_price: float | None = None

    def place(self) -> tuple[Origin, str]:
        """Where it is asked. Raises BadInput."""
        usual, path = KINDS[self.kind]
        origin, target = parsed(f"{(self.url or usual).rstrip('/')}{path}")
        if origin.scheme != "https" and origin.host not in _LOOPBACK:
            raise BadInput(f"a key goes to {origin} by https alone")
        return origin, target

    def cost(self, read: int, written: int) -> float | None:
        """In dollars; ``None`` where nobody said what it costs."""
        if self.read_price is None or self.written_price is None:
            return None
        return (read * self.read_price + written * self.written_price) / 1e6


@value
class Answer:
    """What came of it."""

    text: str
    usage: Usage
    outcome: Outcome


async def asked(
    model: Model, prompt: str, web: Web, clock: Clock, say: Callable[[str], None]
) -> Answer:
    """The model's answer; ``say`` is told when it is asked again. Raises BadInput."""
    origin, target = model.place()
    headers, body = _request(model, prompt)
    wait = _FIRST_WAIT
    for left in reversed(range(_TRIES)):
        try:
            with anyio.fail_after(PATIENCE):
                got = await web.ask(origin, target, headers, body, _LONGEST)
        except (Unable, TimeoutError) as error:
            why = error.message if isinstance(error, InspanError) else "no answer in time"
            outcome, pause = Outcome(Ending.OVERLOADED, why), wait
        else:
            if got.status == 200:
                return _read(model, got.body)
            outcome = by_status(got.status, _complaint(model, got))
            later = _later(got, clock.now())
            if got.status not in _AGAIN or later > _WAITED_MOST:
                break
            pause = later or wait
        if not left:
            break
        say(f"it is asked again in {pause:g} s: {outcome.message}")
        await clock.sleep(pause)
        wait = min(2 * wait, _LONGEST_WAIT)
    return Answer("", Usage(), outcome)


def _request(model: Model, prompt: str) -> tuple[dict[str, str], bytes]:
    told: dict[str, Any] = {
        "model": model.name,
        "messages": [{"role": "user", "content": prompt}],
    }
    if model.kind == "anthropic":
        told["max_tokens"] = model.most
        shown = {"x-api-key": model.key, "anthropic-version": _VERSION}
    else:
        told["max_completion_tokens"] = model.most
        shown = {"authorization": f"Bearer {model.key}"}
    return {"content-type": "application/json", **shown}, json.dumps(told).encode()


def _later(got: Posted, now: float) -> float:
    """For how many seconds it asks to be left alone (RFC 9110, 10.2.3); 0 where it does not."""
    said = next((text for name, text in got.headers if name.lower() == "retry-after"), "")
    try:
        return max(0.0, float(said))
    except ValueError:
        pass
    try:
        return max(0.0, parsedate_to_datetime(said).timestamp() - now)
    except (ValueError, TypeError):
        return 0.0


def _complaint(model: Model, got: Posted) -> str:
    """What a service says of its refusal, which may have quoted the key."""
    error = _object(_object(_json(got.body)).get("error"))
    words = error.get("message")
    said = words[:400] if isinstance(words, str) else ""
    return f"{got.status}: {said}".replace(model.key, "***") if said else ""


def _read(model: Model, body: bytes) -> Answer:
    told = _object(_json(body))
    usage = _object(told.get("usage"))
    if model.kind == "anthropic":
        parts = told.get("content")
        found = [_object(part) for part in parts] if isinstance(parts, list) else []
        text = "".join(_text(part.get("text")) for part in found)
        cut = told.get("stop_reason") == "max_tokens"
        cached = _count(usage, "cache_read_input_tokens")
        read = _count(usage, "input_tokens") + cached + _count(usage, "cache_creation_input_tokens")
        written = _count(usage, "output_tokens")
    else:
        choices = told.get("choices")
        first = _object(choices[0]) if isinstance(choices, list) and choices else {}
        text = _text(_object(first.get("message")).get("content"))
        cut = first.get("finish_reason") == "length"
        cached = _count(_object(usage.get("prompt_tokens_details")), "cached_tokens")
        read, written = _count(usage, "prompt_tokens"), _count(usage, "completion_tokens")
    cost = model.cost(read, written)
    used = Usage(read=read, cached=cached, written=written, turns=1, cost=cost)
    if not text:
        return Answer("", used, Outcome(Ending.EMPTY, "the model answered without a word"))
    if cut:
        return Answer(text, used, Outcome(Ending.CUT, "the answer broke off at its limit"))
    return Answer(text, used, Outcome(Ending.DONE))


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return {}


def _object(told: Any) -> dict[str, Any]:
    return told if isinstance(told, dict) else {}


def _text(told: Any) -> str:
    return told if isinstance(told, str) else ""


def _count(told: dict[str, Any], name: str) -> int:
    found = told.get(name)
    return found if isinstance(found, int) and not isinstance(found, bool) and found >= 0 else 0
