"""What every test shares: one event loop library, the rows of requirements it shows, and, where
several workers run the tests side by side, who does what and when."""

import gc
import os
import signal
import sys
from collections.abc import Generator
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]  # it ships no types

from tests.real.turns import Turns

# How long an example takes says how busy the machine is, and nothing about the property. The same
# examples each time, so that a run tells of what was changed; `make soak` looks for new ones.
settings.register_profile(
    "steady",
    deadline=None,
    derandomize=True,
    max_examples=60,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile(
    "roaming", deadline=None, max_examples=500, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("steady")

# The tests start some thousand interpreters. Where none keeps what it has compiled, each compiles
# inspan anew, which takes a daemon four times as long as all the rest of its start.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

#: Tests wait more than they work, but have deadlines.
MOST_WORKERS = 5
TURNS = pytest.StashKey[Turns]()


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def pytest_configure(config: pytest.Config) -> None:
    # Whoever runs the tests in the background ignores it, and all that is started would inherit it.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if "PYTEST_XDIST_WORKER" in os.environ:
        config.stash[TURNS] = Turns(config.rootpath / ".cache" / "turns")


def pytest_unconfigure(config: pytest.Config) -> None:
    if (turns := config.stash.get(TURNS, None)) is not None:
        turns.close()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Write each test's requirement rows into the report that tools/requirements.py reads."""
    for item in items:
        rows = {row for mark in item.iter_markers("requirement") for row in mark.args}
        item.user_properties.extend(("requirement", row) for row in sorted(rows))
    # Last, when the other workers have little left to wait with.
    alone = {item.path for item in items if item.get_closest_marker("alone")}
    items.sort(key=lambda item: item.path in alone)


def pytest_collection_finish() -> None:
    """Ten thousand tests and what they import stay to the end: no search for cycles looks at them.

    A search through them takes a third of a second, and each fork that makes one copies them.
    """
    gc.collect()
    gc.freeze()


@pytest.hookimpl(wrapper=True, tryfirst=True)  # before the time that a test may take begins
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    turns = item.config.stash.get(TURNS, None)
    if turns is None:
        return (yield)
    with turns.taken(alone=item.get_closest_marker("alone") is not None):
        return (yield)


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Three more than there are processors, for all tests; none for what is asked for by name."""
    named = config.args_source is pytest.Config.ArgsSource.ARGS
    if named or config.option.keyword or config.option.lf:
        return 0
    return min((os.cpu_count() or 1) + 3, MOST_WORKERS)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> object:
    return ByFile(config, log) if config.option.dist == "loadfile" else None


class ByFile(LoadScopeScheduling):  # type: ignore[misc]  # for the same reason
    """The tests of a file are one worker's, as they share what the file sets up.

    So are all that start Jupyter's kernels: a client chooses free ports some time before the kernel
    binds them, and another that does so meanwhile may choose the same.
    """

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return "jupyter" if file.startswith("tests/e2e/test_jupyter") else file
