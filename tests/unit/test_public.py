"""The public names are those of ``__all__``, and each can be reached."""

import subprocess
import sys

import inspan
from tests.unit.test_imports import unmeasured

#: Adding a name here is a promise to keep it.
PUBLIC = """
    Backoff Control DurableContext Event EventQuery InspanError Patience Task TaskPage TaskQuery
    TaskSpec TaskState code code_pool durable is_active is_terminal open spec sync wait
"""


def test_the_public_names_are_these() -> None:
    assert set(inspan.__all__) == set(PUBLIC.split()) == set(dir(inspan))


def test_every_public_name_is_there_and_sorted() -> None:
    assert sorted(inspan.__all__) == list(inspan.__all__)
    assert [name for name in inspan.__all__ if not hasattr(inspan, name)] == []


def test_importing_inspan_costs_nothing_heavy() -> None:
    heavy = {"asyncio", "anyio", "pydantic", "starlette", "uvicorn", "yaml", "rich", "sqlite3"}
    code = "import sys; had = {*sys.modules}; import inspan; print(*({*sys.modules} - had))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=unmeasured()
    )
    assert heavy.isdisjoint(done.stdout.split())
