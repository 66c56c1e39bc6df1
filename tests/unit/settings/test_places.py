import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from inspan.errors import PlatformUnsupported, Unable
from inspan.settings import locate


def test_inspan_home_holds_everything(tmp_path: Path) -> None:
    places = locate({"INSPAN_HOME": str(tmp_path / "h")})
    assert places.state_dir == tmp_path / "h"
    assert places.config == tmp_path / "h" / "config.yaml"
    assert places.database == tmp_path / "h" / "inspan.db"
    assert places.recordings.parent == places.workspaces.parent == places.logs.parent
    assert places.daemon_socket.parent == places.keeper_socket.parent == places.runtime_dir


@pytest.mark.skipif(os.uname().sysname != "Linux", reason="XDG is Linux's way")
def test_without_a_home_the_xdg_places_are_used(tmp_path: Path) -> None:
    env = {"HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path / "c")}
    places = locate(env)
    assert places.state_dir == tmp_path / ".local/state/inspan"
    assert places.config == tmp_path / "c/inspan/config.yaml"


@pytest.mark.skipif(os.uname().sysname != "Linux", reason="XDG is Linux's way")
def test_a_relative_xdg_path_is_ignored(tmp_path: Path) -> None:
    places = locate({"HOME": str(tmp_path), "XDG_STATE_HOME": "state"})
    assert places.state_dir == tmp_path / ".local/state/inspan"


def test_two_state_directories_have_two_runtime_directories(tmp_path: Path) -> None:
    one = locate({"INSPAN_HOME": str(tmp_path / "one")})
    other = locate({"INSPAN_HOME": str(tmp_path / "other")})
    assert one.runtime_dir != other.runtime_dir


def test_the_runtime_directory_is_under_xdg_runtime_dir(tmp_path: Path) -> None:
    run = Path("/tmp")  # a folder with a short path that exists everywhere
    places = locate({"INSPAN_HOME": str(tmp_path / "h"), "XDG_RUNTIME_DIR": str(run)})
    assert places.runtime_dir.parent == run / "inspan"


def test_a_path_too_long_for_a_socket_falls_back_to_a_short_one(tmp_path: Path) -> None:
    deep = tmp_path / ("x" * 120)
    deep.mkdir()
    places = locate({"INSPAN_HOME": str(deep / "h"), "XDG_RUNTIME_DIR": str(deep)})
    assert len(os.fsencode(places.daemon_socket)) <= 100


def test_prepare_makes_folders_that_are_ours_alone(tmp_path: Path) -> None:
    places = locate({"INSPAN_HOME": str(tmp_path / "h")})
    places.prepare()
    for folder in (places.state_dir, places.recordings, places.logs, places.runtime_dir):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    places.runtime_dir.rmdir()


def test_prepare_closes_a_folder_that_was_open_to_others(tmp_path: Path) -> None:
    home = tmp_path / "h"
    home.mkdir()
    home.chmod(0o755)
    places = locate({"INSPAN_HOME": str(home)})
    places.prepare()
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    places.runtime_dir.rmdir()


def test_the_runtime_directory_that_was_chosen_first_is_kept(tmp_path: Path) -> None:
    first = locate({"INSPAN_HOME": str(tmp_path / "h")})
    first.prepare()
    # A shell that has XDG_RUNTIME_DIR meets the daemon of one that has not, such as cron.
    later = locate({"INSPAN_HOME": str(tmp_path / "h"), "XDG_RUNTIME_DIR": "/tmp"})
    assert later.runtime_dir == first.runtime_dir
    first.runtime_dir.rmdir()
    assert locate({"INSPAN_HOME": str(tmp_path / "h"), "XDG_RUNTIME_DIR": "/tmp"}) != first


def test_a_link_in_place_of_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "h").mkdir()
    (tmp_path / "h" / "logs").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(Unable) as refused:
        locate({"INSPAN_HOME": str(tmp_path / "h")}).prepare()
    assert "logs" in refused.value.message


def test_a_file_in_place_of_the_state_directory_is_refused(tmp_path: Path) -> None:
    (tmp_path / "h").write_text("")
    with pytest.raises(Unable) as refused:
        locate({"INSPAN_HOME": str(tmp_path / "h")}).prepare()
    assert "INSPAN_HOME" in refused.value.hint


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_a_folder_of_somebody_else_is_refused(tmp_path: Path) -> None:
    home = tmp_path / "h"
    home.mkdir()
    os.chown(home, 12345, 12345)
    with pytest.raises(Unable) as refused:
        locate({"INSPAN_HOME": str(home)}).prepare()
    assert "12345" in refused.value.message


def test_a_copy_of_a_state_directory_has_a_runtime_directory_of_its_own(tmp_path: Path) -> None:
    first = locate({"INSPAN_HOME": str(tmp_path / "h")})
    first.prepare()
    shutil.copytree(tmp_path / "h", tmp_path / "copy")
    assert locate({"INSPAN_HOME": str(tmp_path / "copy")}).runtime_dir != first.runtime_dir
    first.runtime_dir.rmdir()


def test_another_platform_is_refused_before_anything_is_looked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "platform", "sunos5")
    with pytest.raises(PlatformUnsupported, match="'sunos5'") as refused:
        locate({"INSPAN_HOME": "/nowhere"})
    assert (refused.value.code, "WSL" in refused.value.hint) == ("platform-unsupported", True)


@pytest.mark.parametrize(("words", "status"), [(["ls"], 1), (["run", "--", "true"], 125)])
def test_the_command_line_says_so_too(words: list[str], status: int) -> None:
    code = "import sys; from inspan.cli.main import main; sys.platform = 'sunos5'; "
    ran = subprocess.run(
        [sys.executable, "-c", f"{code} sys.exit(main({words!r}))"],
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    told = ran.stderr.splitlines()
    assert (ran.returncode, ran.stdout, len(told)) == (status, "", 2)
    assert "'sunos5'" in told[0]
    assert told[1].startswith("  hint: ")
