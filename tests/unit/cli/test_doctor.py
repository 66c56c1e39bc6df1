"""What `inspan doctor` finds amiss, and that it says what to do about it."""

from __future__ import annotations

import datetime
import os
import socket
import sys
import time
from pathlib import Path

import pytest
import trustme

from inspan.agents.claude import Claude
from inspan.cli import agents, doctor, entrances, machine
from inspan.cli.finding import FAIL, OK, WARN, tell
from inspan.server.certificate import ends_at
from inspan.server.tokens import Tokens
from inspan.server.visitor import Scope
from inspan.settings import Places, locate

pytestmark = pytest.mark.requirement("C9")

DAY = 86400.0


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Places:
    monkeypatch.setenv("INSPAN_HOME", str(tmp_path))
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    found = locate({"INSPAN_HOME": str(tmp_path)})
    found.prepare()
    return found


@pytest.mark.parametrize(
    ("version", "broken"),
    [
        ((3, 6, 23), False),
        ((3, 7, 0), True),
        ((3, 40, 1), True),
        ((3, 44, 5), True),
        ((3, 44, 6), False),
        ((3, 45, 0), True),
        ((3, 50, 6), True),
        ((3, 50, 7), False),
        ((3, 51, 0), True),
        ((3, 51, 2), True),
        ((3, 51, 3), False),
        ((3, 53, 0), False),
    ],
)
def test_which_sqlite_has_the_race(version: tuple[int, ...], *, broken: bool) -> None:
    assert machine.has_wal_race(version) is broken


MOUNTS = """\
22 1 0:20 / / rw - ext4 /dev/root rw
23 22 0:21 / /home rw,relatime shared:1 - nfs4 server:/home rw
24 23 0:22 / /home/me/a\\040b rw - tmpfs tmpfs rw
25 24 0:22 / /home/me/a\\040b rw - fuse.sshfs other: rw
"""


@pytest.mark.parametrize(
    ("folder", "kind"),
    [
        ("/var/x", "ext4"),
        ("/homely", "ext4"),
        ("/home/me", "nfs4"),
        ("/home/me/a b/c", "fuse.sshfs"),
    ],
)
def test_the_kind_of_a_file_system_is_that_of_the_nearest_mount(
    tmp_path: Path, folder: str, kind: str
) -> None:
    (tmp_path / "mounts").write_text(MOUNTS)
    assert machine.kind_of(Path(folder), tmp_path / "mounts") == kind
    assert machine.kind_of(Path(folder), tmp_path / "none") is None


@pytest.mark.parametrize(
    ("kind", "level"), [("nfs4", WARN), ("fuse.sshfs", WARN), ("tmpfs", WARN), ("ext4", OK)]
)
def test_a_disk_of_another_machine_or_none_is_warned_of(
    places: Places, monkeypatch: pytest.MonkeyPatch, kind: str, level: str
) -> None:
    monkeypatch.setattr(machine, "kind_of", lambda *_: kind)
    found = machine.filesystem(places)
    assert found[0] == level
    assert level == OK or "INSPAN_HOME" in found[2]


def test_a_disk_without_room_for_bytes_or_files_is_warned_of(
    places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.statvfs(places.state_dir)

    def told(room: int, files: int, recordings: int | None = None) -> tuple[str, ...]:
        def statvfs(folder: Path) -> os.statvfs_result:
            own = None if folder != places.recordings else recordings
            fields = list(real[:10])
            fields[1], fields[2] = 1, 1 << 41  # bytes in a block, and blocks
            fields[4], fields[5], fields[7] = room if own is None else own, 10**6, files
            return os.statvfs_result([*fields, int(own is not None)])

        monkeypatch.setattr(os, "statvfs", statvfs)
        return machine.disk(places)

    assert told(1 << 40, 10**5)[0] == OK
    assert told(1 << 20, 10**5)[0] == WARN
    assert "10 more files" in told(1 << 40, 10)[1]
    assert told(1 << 40, 10**5) == (OK, "1 TB of 2 TB free")
    places.recordings.mkdir(exist_ok=True)
    assert "for recordings" in told(1 << 40, 10**5, 1 << 41)[1]
    assert told(1 << 40, 10**5, 1 << 20)[0] == WARN


def test_a_clock_that_went_backwards_is_found(places: Places) -> None:
    assert machine.clock(places)[0] in (OK, WARN)
    places.database.touch()
    ahead = time.time() + 3600
    os.utime(places.database, (ahead, ahead))
    level, message, hint = machine.clock(places)
    assert (level, "backwards" in message) == (FAIL, True)
    assert hint


@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux")
def test_linux_is_asked_for_what_it_can_do_and_nothing_is_left_behind(places: Places) -> None:
    for look in (machine.cgroups, machine.landlock):
        assert look(places)[0] in (OK, WARN)
    assert not [*Path("/sys/fs/cgroup").glob("**/inspan-doctor-*")]
    assert machine._synchronised() in (True, False)


def test_a_socket_that_was_left_behind_is_named(places: Places) -> None:
    assert entrances.sockets(places)[0] == OK
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(places.daemon_socket))
        listener.listen()
        assert entrances.sockets(places)[0] == OK
    level, message, hint = entrances.sockets(places)
    assert (level, "daemon.sock" in message, bool(hint)) == (WARN, True, True)


def test_tokens_that_others_can_read_are_a_fault(places: Places) -> None:
    assert entrances.tokens(places)[0] == OK
    known = Tokens(places.tokens)
    known.make("ci", (Scope.READ,), now=time.time())
    known.make("old", (Scope.READ,), now=0, ends=1)
    assert entrances.tokens(places)[1] == "2, 1 of them over; mode 0600"
    places.tokens.chmod(0o644)
    found = doctor._safely("tokens", entrances.tokens, places)
    assert (found.level, bool(found.hint)) == (FAIL, True)


@pytest.mark.parametrize(
    ("days", "level", "said"),
    [(365 * 40, OK, "holds until"), (400, OK, "holds"), (10, WARN, "ends on"), (-2, FAIL, "ended")],
)
def test_a_certificate_is_spoken_of_before_it_ends(
    places: Places, tmp_path: Path, days: int, level: str, said: str
) -> None:
    until = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=days)
    made = trustme.CA().issue_cert("box.example", not_after=until)
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    made.private_key_pem.write_to_path(key)
    key.chmod(0o600)
    for number, blob in enumerate(made.cert_chain_pems):
        blob.write_to_path(cert, append=number > 0)
    assert abs(ends_at(cert) - until.timestamp()) < 2
    places.config.write_text(
        f"server: {{listen: '127.0.0.1:0', tls: {{cert: {cert}, key: {key}}}}}\n"
    )
    found = entrances.certificate(places)
    assert (found[0], said in found[1]) == (level, True), found
    assert level == OK or found[2]
    if level == OK:
        key.chmod(0o644)
        assert "chmod 600" in entrances.certificate(places)[2]
        cert.write_text("none")
        assert entrances.certificate(places)[0] == FAIL


def test_what_is_no_certificate_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "cert.pem"
    for body in ("MAA=", "MIIB", "MAQwAjAA"):
        path.write_text(f"-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n")
        with pytest.raises(ValueError, match="certificate"):
            ends_at(path)


CLAUDE = """\
#!/bin/sh
[ "$1" = --version ] && { echo "2.0.1 (Claude Code)"; exit 0; }
[ STATUS = 0 ] || echo '{"loggedIn": false}'
exit STATUS
"""


@pytest.mark.parametrize(("status", "level"), [(0, OK), (1, WARN)])
def test_agents_are_told_with_version_and_login(
    places: Places, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, status: int, level: str
) -> None:
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:/bin")
    assert doctor._agents(places)[:2] == (WARN, "no agent is installed")
    (folder / "claude").write_text(CLAUDE.replace("STATUS", str(status)))
    (folder / "claude").chmod(0o755)
    found = doctor._agents(places)
    assert (found[0], "claude 2.0.1" in found[1]) == (level, True)
    assert ("not logged in" in found[1]) is (level == WARN)
    monkeypatch.setenv("PATH", "/nowhere")
    assert [*agents.logged_in(Claude())] == []


def test_every_look_has_a_name_of_its_own_and_what_is_amiss_has_a_hint(
    places: Places, capsys: pytest.CaptureFixture[str]
) -> None:
    found = [doctor._safely(name, look, places) for name, look in doctor._LOOKS.items()]
    assert len(found) >= 22
    assert all(finding.hint for finding in found if finding.level == WARN)
    tell(found)
    told = capsys.readouterr().out
    assert all(finding.name in told for finding in found)
