"""What memory is free, as the kernel tells it."""

from __future__ import annotations

from pathlib import Path

import pytest

from inspan.monitor.freememory import free_memory

pytestmark = pytest.mark.requirement("A8")

GB = 1 << 30


@pytest.fixture
def proc(tmp_path: Path) -> Path:
    """Of a machine with 8 GB free."""
    proc = tmp_path / "proc"
    (proc / "self").mkdir(parents=True)
    (proc / "meminfo").write_text("MemTotal: 16777216 kB\nMemAvailable:    8388608 kB\n")
    (proc / "self" / "cgroup").write_text("1:name=systemd:/old\n0::/slice/inspan.service\n")
    return proc


def _group(folder: Path, most: str, taken: int, files: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "memory.max").write_text(f"{most}\n")
    (folder / "memory.current").write_text(f"{taken}\n")
    (folder / "memory.stat").write_text(f"anon {taken}\ninactive_file {files}\n")


def test_without_groups_it_is_what_the_machine_has(proc: Path, tmp_path: Path) -> None:
    assert free_memory(proc, tmp_path / "none") == 8 * GB


def test_a_limit_of_any_group_around_us_counts_and_files_can_be_given_back(
    proc: Path, tmp_path: Path
) -> None:
    groups = tmp_path / "cgroup"
    _group(groups / "slice" / "inspan.service", "max", 3 * GB, 0)
    _group(groups / "slice", str(4 * GB), 3 * GB, GB)
    assert free_memory(proc, groups) == 2 * GB


def test_a_machine_with_less_than_its_groups_would_allow(proc: Path, tmp_path: Path) -> None:
    groups = tmp_path / "cgroup"
    _group(groups / "slice" / "inspan.service", str(64 * GB), GB, 0)
    assert free_memory(proc, groups) == 8 * GB


def test_a_system_that_does_not_tell(tmp_path: Path) -> None:
    assert free_memory(tmp_path, tmp_path) is None


def test_here_it_is_told() -> None:
    assert (free_memory() or 0) > 0 or not Path("/proc/meminfo").exists()
