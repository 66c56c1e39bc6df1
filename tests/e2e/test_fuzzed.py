"""The routes, asked all that their document allows and much that it does not, and in sequence.

`make test` has a short leg; `make soak` asks for ten minutes.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.core.result import Ok
from schemathesis.schemas import APIOperation

from tests.real.fuzzed import Asked, asked, document, left_out

pytestmark = [pytest.mark.requirement("C6", "C9")]

#: Seconds of the long leg.
LONG = 600.0
MODES = [GenerationMode.POSITIVE, GenerationMode.NEGATIVE]


@pytest.fixture(scope="module")
def server() -> Iterator[Asked]:
    with asked() as server:
        yield server


@cache  # and not made by whoever only collects the tests
def operations() -> list[APIOperation[Any, Any, Any, Any]]:
    return [found.ok() for found in document().get_all_operations() if isinstance(found, Ok)]


def ask(server: Asked, examples: int) -> None:
    """So many requests for every route, half of them against its document."""
    for operation in operations():
        either = st.one_of([operation.as_strategy(generation_mode=mode) for mode in MODES])

        @settings(_settings(examples))
        @given(case=either)
        def run(case: Case[Any]) -> None:
            case.call_and_validate(excluded_checks=left_out(case), **server.call())

        run()


def in_sequence(server: Asked, examples: int, steps: int) -> None:
    """What makes a thing, and then what is about it."""

    class Machine(document().as_state_machine()):  # type: ignore[misc]  # made as it runs
        def get_call_kwargs(self, case: Case[Any]) -> dict[str, object]:
            del case
            return server.call()

        def validate_response(self, response: object, case: Case[Any], **more: object) -> None:
            case.validate_response(response, excluded_checks=left_out(case))

    Machine.run(settings=settings(_settings(examples), stateful_step_count=steps))


def _settings(examples: int) -> settings:
    return settings(
        max_examples=examples,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=[*HealthCheck],
    )


@pytest.mark.timeout(300)
def test_no_request_is_a_fault_of_ours_or_answered_otherwise_than_told(server: Asked) -> None:
    ask(server, 8)


@pytest.mark.timeout(300)
def test_no_sequence_is(server: Asked) -> None:
    in_sequence(server, 8, 8)


@pytest.mark.soak
def test_nor_in_ten_minutes(server: Asked) -> None:
    end = time.monotonic() + LONG
    while time.monotonic() < end:
        ask(server, 50)
        in_sequence(server, 50, 20)
