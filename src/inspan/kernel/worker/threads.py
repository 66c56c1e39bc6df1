"""For which cell a thread works: a thread's context begins empty, so it is written on the thread.

This never knows what a cell is; it carries a word from who starts a thread, or hands work to a
pool of threads, to who runs it. The worker's own threads carry none, and begin here, too.
"""

from __future__ import annotations

import _thread
import functools
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from concurrent.futures import Future, ThreadPoolExecutor

_TAG: Final = "_inspan_cell"

Cell = Callable[[], str | None]


def begin(run: Callable[[], None]) -> None:
    """Run this on a thread of the worker's own, which ends with the process and no earlier.

    ``Thread.start`` waits until the thread has run, which at a session's start is a wait for a
    processor that others want, too. And code does not find it among its own threads.
    """
    _thread.start_new_thread(run, ())


def tag_of_thread() -> str | None:
    """The word that the running thread carries."""
    return getattr(threading.current_thread(), _TAG, None)


def tag_threads(here: Cell) -> None:
    """From now on, give each new thread the word that ``here`` says.

    Python offers no hook for it, so ``Thread.start`` is replaced by a function that calls the
    former one.
    """
    start = threading.Thread.start

    @functools.wraps(start)
    def tagged_start(self: threading.Thread) -> None:
        setattr(self, _TAG, here())
        start(self)

    threading.Thread.start = tagged_start  # type: ignore[method-assign]  # see above


def tag_pools(here: Cell) -> None:
    """The same of each call in a pool of threads: ``ThreadPoolExecutor.submit`` is replaced."""
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415  it comes with a loop

    submit: Callable[..., Future[Any]] = ThreadPoolExecutor.submit

    @functools.wraps(submit)
    def tagged_submit(
        self: ThreadPoolExecutor, fn: Callable[..., Any], /, *args: Any, **kwargs: Any
    ) -> Future[Any]:
        return submit(self, _called, here(), fn, args, kwargs)

    ThreadPoolExecutor.submit = tagged_submit  # type: ignore[method-assign, assignment]  # as above


def _called(
    tag: str | None, fn: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    thread = threading.current_thread()
    former = getattr(thread, _TAG, None)
    setattr(thread, _TAG, tag)
    try:
        return fn(*args, **kwargs)
    finally:
        setattr(thread, _TAG, former)
