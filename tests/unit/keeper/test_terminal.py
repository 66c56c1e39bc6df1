"""Children on terminals and pipes through a real keeper: what goes in, what comes out, how it ends.

Most of these are traps that programs like this one have fallen into.
"""

import hashlib
import json
import os
import signal
from pathlib import Path

import anyio
import pytest

from inspan.errors import Conflict, DiskFull, InputFull, InspanError
from inspan.keeper.recording import INPUT
from tests.unit.keeper.desk import (
    Desk,
    Keeper,
    Raw,
    children,
    descriptors,
    python,
    running,
    sockets,
    wait_for,
    wait_until,
)

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("B3")]


async def test_exit_code_and_signal_are_told_apart(desk: Desk) -> None:
    coded, _ = await desk.run("code", "sh", "-c", "exit 7")
    killed, _ = await desk.run("signal", "sh", "-c", "kill -TERM $$")
    assert (coded.code, coded.signal) == (7, None)
    assert (killed.code, killed.signal) == (None, signal.SIGTERM)
    assert [(r.a, r.b) for r in desk.index("code") if r.kind == "x"] == [(7, 0)]
    assert [(r.a, r.b) for r in desk.index("signal") if r.kind == "x"] == [(0, signal.SIGTERM)]


async def test_no_tail_is_lost(desk: Desk) -> None:
    expected = b"".join(b"%d\r\n" % number for number in range(1, 3001))
    async with anyio.create_task_group() as group:

        async def one(session: str) -> None:
            status, raw = await desk.run(session, "seq", "3000")
            assert raw == expected
            assert status.size == len(expected)
            assert status.eof

        for number in range(20):
            group.start_soon(one, f"tail-{number}")


async def test_the_terminal_is_the_controlling_one_and_has_its_size(desk: Desk) -> None:
    script = "tty; stty size; ps -o tty= -p $$; cat /dev/tty"
    await desk.spawn("tty", "sh", "-c", script, cols=133, rows=44)
    raw = await desk.until("tty", b"44 133\r\n")
    name = raw.split(b"\r\n")[0]
    assert name.startswith(b"/dev/pts/")
    await desk.client.write("tty", b"from the terminal\n")
    raw = await desk.until("tty", b"from the terminal", times=2)
    assert raw.count(name.removeprefix(b"/dev/")) == 2
    await desk.client.eof("tty")
    assert (await desk.ended("tty")).code == 0


async def test_a_resize_reaches_the_program_and_the_recording(desk: Desk) -> None:
    script = "trap 'stty size; exit 0' WINCH; echo ready; while :; do sleep 0.01; done"
    await desk.spawn("size", "sh", "-c", script)
    await desk.until("size", b"ready")
    await desk.client.resize("size", 90, 33)
    status = await desk.ended("size")
    assert b"33 90" in desk.raw("size")
    assert (status.cols, status.rows) == (90, 33)
    sizes = [(r.a, r.b) for r in desk.index("size") if r.kind == "r"]
    assert sizes == [(80, 24), (90, 33)]


async def test_ctrl_c_interrupts_the_foreground(desk: Desk) -> None:
    script = "trap 'echo caught; exit 9' INT; sh -c 'echo ready; exec cat'; exit 1"
    await desk.spawn("ctrl-c", "sh", "-c", script)
    await desk.until("ctrl-c", b"ready")
    await desk.client.write("ctrl-c", b"\x03")
    status = await desk.ended("ctrl-c")
    assert status.code == 9
    assert b"caught" in desk.raw("ctrl-c")


async def test_signals_go_to_the_foreground_or_to_the_tree(desk: Desk) -> None:
    script = "trap '' INT; (setsid sleep 60 & sleep 60) & echo ready; exec sleep 60"
    await desk.spawn("front", "sleep", "60")
    await desk.spawn("tree", "sh", "-c", script)
    await desk.until("tree", b"ready")
    assert await desk.client.signal("front", signal.SIGINT) == 1
    assert (await desk.ended("front")).signal == signal.SIGINT

    async def whole() -> bool:
        return await desk.client.signal("tree", signal.SIGCONT, to="tree") >= 3

    await wait_until(whole)
    assert await desk.client.signal("tree", signal.SIGTERM, to="tree") >= 3
    assert (await desk.ended("tree")).signal == signal.SIGTERM
    assert await desk.client.signal("tree", signal.SIGTERM) == 0


async def test_a_grandchild_that_holds_the_output_does_not_hold_the_end(desk: Desk) -> None:
    script = "trap '' HUP; (trap '' HUP; sleep 60) & echo done"
    for session, pty in (("pty", True), ("pipes", False)):
        status, raw = await desk.run(session, "sh", "-c", script, pty=pty)
        assert raw.strip() == b"done"
        assert (status.code, status.eof, status.left) == (0, True, 1)
        assert (await desk.client.collect(session)).left == 1
    await wait_for(lambda: not children(desk.keeper.process.pid))


async def test_a_program_that_closes_its_terminal_lives_on(desk: Desk) -> None:
    script = "exec 0<&- 1>&- 2>&-; sleep 0.3; exit 5"
    status, _ = await desk.run("mute", "sh", "-c", script)
    assert status.code == 5
    assert (await desk.run("mute-pipes", "sh", "-c", script, pty=False))[0].code == 5


async def test_a_child_has_three_descriptors_and_default_signals(desk: Desk) -> None:
    await desk.spawn("neighbour", "sleep", "60")
    text = (
        "import os, signal, json, resource\n"
        "fds = sorted(int(n) for n in os.listdir('/proc/self/fd'))\n"
        "status = open('/proc/self/status').read()\n"
        "masks = {l.split(':')[0]: int(l.split()[1], 16) for l in status.splitlines()"
        " if l.startswith('SigBlk')}\n"
        "print(json.dumps([fds, masks['SigBlk'],"
        " signal.getsignal(signal.SIGHUP) == signal.SIG_DFL, resource.getrlimit(7)[0]]))"
    )
    for session, pty in (("pty", True), ("pipes", False)):
        _, raw = await desk.run(session, *python(text), pty=pty, nofile=123)
        fds, blocked, default, files = json.loads(raw)
        # Listing the folder takes one more descriptor itself.
        assert fds == [0, 1, 2, 3]
        assert (blocked, default, files) == (0, True, 123)


async def test_a_paste_to_a_slow_reader_loses_nothing_and_blocks_nobody(desk: Desk) -> None:
    text = (
        "import os, sys, time, tty\n"
        "tty.setraw(0); print('ready', flush=True); os.read(0, 1); got = b''\n"
        "while len(got) < 100_000: got += os.read(0, 1000); time.sleep(0.001)\n"
        "import hashlib; print(hashlib.sha256(got).hexdigest())"
    )
    paste = os.urandom(50_000).hex().encode()
    await desk.spawn("slow", *python(text))
    await desk.until("slow", b"ready")
    assert await desk.client.write("slow", paste) > 0
    # The keeper answers while most of it waits, and others run.
    assert (await desk.run("other", "echo", "hi"))[0].code == 0
    await desk.client.write("slow", b"!")
    await desk.ended("slow")
    assert hashlib.sha256((paste + b"!")[1:100_001]).hexdigest().encode() in desk.raw("slow")


async def test_input_is_bounded(desk: Desk) -> None:
    await desk.spawn("deaf", *python("import tty, time; tty.setraw(0); time.sleep(60)"))
    await desk.client.write("deaf", b"x" * 900_000)
    with pytest.raises(InputFull):
        await desk.client.write("deaf", b"x" * 900_000)
    assert (await desk.client.kill("deaf")).left == 0
    await desk.ended("deaf")
    with pytest.raises(Conflict):
        await desk.client.write("deaf", b"x")


async def test_pipes_keep_stdout_and_stderr_apart(desk: Desk) -> None:
    text = (
        "import os\n"
        "while part := os.read(0, 100):\n"
        "    os.write(1, b'out:' + part); os.read(0, 1); os.write(2, b'err:' + part)\n"
        "    os.read(0, 1)"
    )
    await desk.spawn("apart", *python(text), pty=False)
    await desk.client.write("apart", b"one")
    await desk.until("apart", b"out:one")
    await desk.client.write("apart", b".")
    await desk.until("apart", b"err:one")
    await desk.client.write("apart", b".")
    await desk.client.eof("apart")
    await desk.client.eof("apart")
    status = await desk.ended("apart")
    assert status.code == 0
    assert [(r.kind, r.offset) for r in desk.index("apart")] == [("o", 0), ("e", 7), ("x", 14)]
    with pytest.raises(Conflict):
        await desk.client.resize("apart", 10, 10)


async def test_a_pipe_that_is_closed_swallows_its_input(desk: Desk) -> None:
    await desk.spawn("closed", "sh", "-c", "exec 0<&-; echo ready; sleep 60", pty=False)
    await desk.until("closed", b"ready")
    assert await desk.client.write("closed", b"x" * 300_000) == 0
    await desk.client.eof("closed")
    with pytest.raises(Conflict):
        await desk.client.write("closed", b"x")


async def test_input_is_recorded_only_where_asked(desk: Desk) -> None:
    for session, asked in (("asked", True), ("not", False)):
        await desk.spawn(session, "cat", record_input=asked)
        await desk.client.write(session, b"typed\n")
        await desk.client.eof(session)
        await desk.ended(session)
    assert (desk.folder("asked") / INPUT).read_bytes() == b"typed\n"
    assert not (desk.folder("not") / INPUT).exists()


async def test_terminal_queries_are_answered_once_and_not_while_attended(desk: Desk) -> None:
    text = (
        "import os, select, tty\n"
        "tty.setraw(0)\n"
        "os.write(1, b'ab\\x1b['); os.read(0, 1); os.write(1, b'6n\\x1b[c')\n"
        "got = b''\n"
        "while not got.endswith(b'!'): got += os.read(0, 1000)\n"
        "os.write(1, repr(got).encode() + b'end')"
    )
    await desk.spawn("alone", *python(text))
    await desk.spawn("attended", *python(text), attended=True)
    async with await desk.keeper.client() as second:
        await desk.spawn("left", *python(text))
        await second.attend("left", on=True)
    await desk.spawn("off", *python(text), attended=True)
    await desk.client.attend("off", on=False)
    for session in ("alone", "attended", "left", "off"):
        await desk.until(session, b"ab\x1b[")
        await desk.client.write(session, b".")
        await desk.until(session, b"\x1b[c")
        await desk.client.write(session, b"!")
        await desk.ended(session)
    answers = rb"\x1b[1;3R\x1b[?62;22c!".decode()
    for session in ("alone", "left", "off"):
        assert desk.raw(session).endswith(f"b'{answers}'end".encode())
    assert desk.raw("attended").endswith(b"b'!'end")


async def test_attending_tells_from_where_on_it_holds(desk: Desk) -> None:
    text = (
        "import os, tty\ntty.setraw(0)\n"
        "for part in b'ab':\n"
        "    os.write(1, b'\x1b[c' + bytes([part]))\n"
        "    while os.read(0, 1) != b'.': pass"
    )
    await desk.spawn("some", *python(text), record_input=True)
    await desk.until("some", b"\x1b[ca")
    assert await desk.client.attend("some", on=True) == len(desk.raw("some")) == 4
    await desk.client.write("some", b".")
    await desk.until("some", b"\x1b[cb")
    assert await desk.client.attend("some", on=False) == 8
    await desk.client.write("some", b".")
    await desk.ended("some")


async def test_what_was_asked_of_a_client_that_died_is_answered_when_it_is_back(desk: Desk) -> None:
    text = (
        "import os, tty\ntty.setraw(0)\nos.write(1, b'\x1b[c')\n"
        "got = b''\nwhile not got.endswith(b'c'): got += os.read(0, 1)\n"
        "os.write(1, repr(got).encode() + b'end')"
    )
    async with await desk.keeper.client() as first:
        await Desk(desk.keeper, first).spawn("back", *python(text), attended=True)
        assert await first.attend("back", on=True, shown=0) == 0
        await desk.until("back", b"\x1b[c")
        connected = sockets(desk.keeper.process.pid)
    await wait_for(lambda: sockets(desk.keeper.process.pid) < connected)
    assert await desk.client.attend("back", on=True, shown=0) == len(b"\x1b[c")
    await desk.ended("back")
    assert desk.raw("back").endswith(rb"b'\x1b[?62;22c'end")


async def test_the_cap_bounds_a_flood_and_the_program_never_stops(desk: Desk) -> None:
    script = "i=0; while [ $i -lt 40 ]; do head -c 100000 /dev/zero | tr '\\0' x; i=$((i+1)); done"
    status, _ = await desk.run("flood", "sh", "-c", script, pty=False, cap=256 << 10)
    assert (status.code, status.size) == (0, 4_000_000)
    assert status.size - status.cut <= 256 << 10
    piece = await desk.client.read("flood", 100_000, 10)
    assert piece.offset == (64 << 10) + status.cut
    assert piece.data == b"x" * 10
    last = await desk.client.read("flood", status.size - 5, 100)
    assert (last.data, last.eof) == (b"xxxxx", True)


async def test_a_full_disk_costs_bytes_and_not_the_program(home: Path) -> None:
    (home / "recordings").mkdir()
    keeper = Keeper(home, mount=str(home / "recordings"))
    try:
        async with await keeper.client() as client:
            desk = Desk(keeper, client)
            await desk.spawn("full", "sh", "-c", "head -c 3000000 /dev/zero", pty=False)
            status = await desk.ended("full")
            assert (status.code, status.size) == (0, 3_000_000)
            assert status.size - status.cut <= 1 << 20
            kept = await client.read("full", 0, 1 << 20)
            assert kept.data == bytes(len(kept.data))
            assert len(kept.data) > 500_000
            # Another session cannot even have a recording, and it is said why.
            with pytest.raises(DiskFull):
                await desk.spawn("more", "true")
    finally:
        keeper.stop()


async def test_arguments_and_environment_arrive_as_they_are(desk: Desk) -> None:
    odd = b"\xff\xfe caf\xc3\xa9".decode(errors="surrogateescape")
    text = "import os, sys; os.write(1, os.fsencode(sys.argv[1]) + os.environb[b'ODD'])"
    env = {"PATH": os.environ["PATH"], "ODD": odd}
    _, raw = await desk.run("odd", *python(text), odd, env=env, pty=False)
    assert raw == b"\xff\xfe caf\xc3\xa9" * 2
    _, raw = await desk.run("marks", "env", pty=False)
    assert b"INSPAN_SESSION=marks\n" in raw


async def test_a_hundred_lines_of_nothing_left_behind(desk: Desk) -> None:
    async def both(number: int) -> None:
        for pty in (True, False):
            name = f"leak-{number}-{pty}".lower()
            await desk.run(name, "sh", "-c", "echo x", pty=pty)
            await desk.client.collect(name)

    await both(0)
    pid = desk.keeper.process.pid
    # The thread that joins a cgroup has a file open for a moment, so that less may be seen later.
    before = descriptors(pid)
    for number in range(1, 21):
        await both(number)
    await wait_for(lambda: descriptors(pid) <= before)
    assert not children(pid)
    assert await desk.client.list() == ()


async def test_orphans_are_reaped(desk: Desk) -> None:
    status, raw = await desk.run(
        "orphan", "sh", "-c", "(sh -c 'exit 3' & echo $!) & exec sleep 0.3"
    )
    orphan = int(raw)
    assert status.code == 0
    await wait_for(lambda: not Path(f"/proc/{orphan}").exists())
    assert not running(orphan)


async def refusals(desk: Desk) -> list[str]:
    """Start more than there is room for; the codes of what was refused."""
    codes = []
    for number in range(20):
        try:
            await desk.spawn(f"many-{number}", "sleep", "60")
        except InspanError as error:
            codes.append(error.code)
    return codes


async def test_a_terminal_is_refused_where_it_lacks_descriptors(home: Path) -> None:
    # Whether it is the terminal that finds too few depends on how many are left for it.
    codes = set()
    for most in range(41, 46):
        keeper = Keeper(home / str(most), nofile=most)
        try:
            async with await keeper.client() as client:
                codes |= {*await refusals(Desk(keeper, client))}
        finally:
            keeper.stop()
    assert codes == {"terminal-unavailable", "spawn-failed"}


async def test_a_keeper_out_of_descriptors_says_so_and_recovers(home: Path) -> None:
    keeper = Keeper(home, nofile=41)
    try:
        async with await keeper.client() as client:
            desk = Desk(keeper, client)
            codes = await refusals(desk)
            assert codes
            assert set(codes) <= {"terminal-unavailable", "spawn-failed"}
            before = descriptors(keeper.process.pid)
            with pytest.raises(InspanError):
                await desk.spawn("again", "sleep", "60")
            assert descriptors(keeper.process.pid) == before
            # A further client waits until there is room.
            async with anyio.create_task_group() as group:
                waiting = [Raw(keeper.socket) for _ in range(3)]
                group.start_soon(wait_for, lambda: all(one.greeted for one in waiting))
                for status in await client.list():
                    await client.kill(status.session)
            for one in waiting:
                one.socket.close()
            assert (await desk.run("fine", "echo", "fine"))[0].code == 0
    finally:
        keeper.stop()
