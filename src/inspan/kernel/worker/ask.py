"""``host`` in a session: code asks for what only its host can do, and awaits the answer.

It knows neither the wire nor which capabilities there are.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import concurrent.futures

Send = Callable[[dict[str, Any]], None]
Here = Callable[[], "str | None"]

#: Seconds.
TIMEOUT: Final = 30.0
#: Seconds that the host has beyond that to say so itself.
_GRACE: Final = 5.0
#: Questions that are open at once.
MOST: Final = 1000


class CapabilityError(RuntimeError):
    """The host refused, or failed; ``code`` is its stable word for why."""

    def __init__(self, message: str, code: str = "") -> None:
        super().__init__(message)
        self.code = code


class NotGranted(CapabilityError):  # noqa: N818 - as the host's own error is called
    """The session was opened without the grant that the message names."""


#: What is raised for a word of the host's.
_RAISED: Final[dict[str, Callable[[str, str], Exception]]] = {
    "not-granted": NotGranted,
    "promise-timed-out": lambda message, _: TimeoutError(message),
}


class Questions:
    """The questions that are open, and their answers."""

    def __init__(self, send: Send, here: Here, run: str) -> None:
        """``run`` tells this worker's questions from those of any other of the same session."""
        self._send, self._here, self._run = send, here, run
        self._open: dict[str, concurrent.futures.Future[Any]] = {}
        self._number = 0
        self._counting = threading.Lock()

    def close(self, promise: str) -> None:
        """Nobody waits for it any more; the host is told where it has not answered yet."""
        answer = self._open.pop(promise, None)
        if answer is not None and (answer.cancelled() or not answer.done()):
            self._send({"type": "withdraw", "execution_id": self._here(), "promise": promise})

    def begin(
        self, capability: str, payload: Any, timeout: float
    ) -> tuple[str, concurrent.futures.Future[Any]]:
        from concurrent.futures import Future  # noqa: PLC0415  as ``asyncio`` below

        if len(self._open) >= MOST:
            raise CapabilityError(f"{MOST} questions are open already")
        with self._counting:
            self._number += 1
            promise = f"{self._run}-{self._number}"
        answer: Future[Any] = Future()
        self._open[promise] = answer
        message = {"type": "ask", "execution_id": self._here(), "promise": promise}
        try:
            self._send(
                {
                    **message,
                    "capability": str(capability),
                    "payload": payload,
                    "timeout": float(timeout),
                }
            )
        except BaseException:
            self._open.pop(promise, None)
            raise
        return promise, answer

    def answer(self, promise: str, *, ok: bool, value: Any, error: str, code: str) -> None:
        """From the link's thread; an answer that nobody waits for any more is let go."""
        answer = self._open.get(promise)
        if answer is None or not answer.set_running_or_notify_cancel():
            return
        if ok:
            answer.set_result(value)
        else:
            answer.set_exception(_RAISED.get(code, CapabilityError)(error, code))


class Host:
    """What a session sees of its host."""

    #: To be caught: ``except host.NotGranted``.
    CapabilityError = CapabilityError
    NotGranted = NotGranted

    def __init__(self, questions: Questions) -> None:
        self._questions = questions

    async def ask(
        self,
        capability: str,
        payload: Any = None,
        *,
        timeout: float = TIMEOUT,  # noqa: ASYNC109 - the host keeps it, too
    ) -> Any:
        """What the host answers. ``payload`` is what JSON can say; ``timeout`` is in seconds.

        Raises NotGranted, CapabilityError where the host refuses or fails, TimeoutError, and
        TypeError for the payload.
        """
        import asyncio  # noqa: PLC0415  a session is ready without; see ``turns``

        promise, answer = self._questions.begin(capability, payload, timeout)
        try:
            return await asyncio.wait_for(asyncio.wrap_future(answer), timeout + _GRACE)
        finally:
            self._questions.close(promise)

    async def request_response(self, message: Any, timeout: float = TIMEOUT) -> Any:  # noqa: ASYNC109 - the same
        """As ``ask``, the capability being named in the message, a dict with ``capability``."""
        rest = {key: value for key, value in message.items() if key != "capability"}
        return await self.ask(message["capability"], rest, timeout=timeout)

    def ask_now(self, capability: str, payload: Any = None, *, timeout: float = TIMEOUT) -> Any:
        """As ``ask``, for plain code; on the main thread the loop stands still meanwhile."""
        promise, answer = self._questions.begin(capability, payload, timeout)
        try:
            return answer.result(timeout + _GRACE)
        except TimeoutError:
            raise TimeoutError(f"the host has not answered {capability!r}") from None
        finally:
            self._questions.close(promise)

    def __repr__(self) -> str:
        return "<host: await host.ask(capability, payload, timeout=30)>"
