"""The command line at a daemon elsewhere: another home, by TCP with a token, TLS, and a socket."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

import inspan
from tests.fakes.hands import certificate
from tests.real.console import Console
from tests.real.cutting import Cutting
from tests.real.daemon import until

pytestmark = [pytest.mark.timeout(120), pytest.mark.requirement("C6", "C9")]

LISTENING = "server: {listen: 127.0.0.1:0}\nroles: {default: 8, worker: 8}\n"
ASKS = r"printf '\033]7770;waiting;question;Go on?;yes;no\033\\'; read line; echo got $line"


class There:
    """A daemon in a home of its own, and what leads to it from another one."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.url = str(json.loads(console.say("up", "--json"))["url"])

    def token(self, *scopes: str) -> dict[str, str]:
        """What the environment of somebody has who may do that."""
        flags = [word for scope in scopes for word in ("--scope", scope)]
        made = self.console.say("token", "new", "-".join(scopes), *flags)
        return {"INSPAN_HOST": self.url, "INSPAN_TOKEN": made}

    def newest(self) -> dict[str, object]:
        """The newest task, asked for there."""
        return dict(json.loads(self.console.say("show", "last", "--json")))


@pytest.fixture
def there() -> Iterator[There]:
    with Console(LISTENING) as console:
        yield There(console)


@pytest.fixture
def here() -> Iterator[Console]:
    with Console() as console:
        yield console


def test_a_task_is_run_there_and_nothing_is_started_here(there: There, here: Console) -> None:
    may = there.token("write", "attach-write")
    here.env |= may | {"ONLY_HERE": "1", "SENT": "by name"}
    script = "pwd; echo ${ONLY_HERE-unset} ${SENT-unset} $INSPAN_HOME ${INSPAN_TOKEN-unset}; exit 3"
    ran = here.run("run", "--env", "SENT", "--", "sh", "-c", script)
    assert (ran.returncode, ran.stderr) == (3, b"")
    told = ran.stdout.decode().splitlines()
    assert told == [str(there.console.home), f"unset by name {there.console.home} unset"]
    (task,) = json.loads(here.say("ls", "--all", "--json"))["tasks"]
    assert there.newest()["id"] == task["id"]
    assert here.say("logs", "last").splitlines() == told
    # And a folder is one of there.
    assert here.say("run", "--cwd", "/tmp", "--", "pwd") == "/tmp"
    missing = here.run("run", "--cwd", "/not/there", "--", "pwd")
    assert b"does not exist on the machine of the daemon" in missing.stderr
    for word in ("INSPAN_HOST", "INSPAN_TOKEN"):
        del here.env[word]
    assert json.loads(here.run("status", "--json").stdout)["daemon"] is None


def test_every_verb_goes_there(there: There, here: Console) -> None:
    here.env |= there.token("admin")
    here.say("add", "--name", "asks", "--pty", "--", "sh", "-c", ASKS)
    assert here.run("wait", "asks").returncode == 5
    here.say("answer", "asks", "yes")
    assert "got yes" in here.say("logs", "-f", "asks")
    here.say("add", "--name", "long", "--pty", "--", "sh", "-c", "echo ready; sleep 600")
    until(lambda: there.newest()["state"] == "running", "it runs")
    with here.terminal("attach", "long") as screen:
        screen.until(b"ready")
        screen.press(b"\x1c")
        assert screen.finish() == 0
    here.say("interrupt", "long")
    here.say("resume", "long")
    here.say("cancel", "long")
    assert there.newest()["state"] == "cancelled"
    assert "cancelled" in here.say("show", "long")
    assert here.say("events", "long").count("\n") > 3
    assert json.loads(here.say("status", "--json"))["host"] == there.url
    assert here.say("completion", "ids").splitlines()[0] == "last"
    assert here.say("py", "--session", "s", "-c", "import os; print(os.getcwd())") == str(
        there.console.home
    )
    assert "s" in here.say("py", "ls")
    assert "is stopping" in here.say("down")
    gone = here.run("ls")
    assert gone.returncode == 1
    assert f"no daemon answers at {there.url}".encode() in gone.stderr
    assert b"never started from afar" in gone.stderr


def test_a_token_is_good_for_what_it_says(there: There, here: Console) -> None:
    here.env |= there.token("read")
    there.console.say("add", "--name", "long", "--", "sleep", "600")
    assert "long" in here.say("ls")
    for words in (("run", "--", "true"), ("cancel", "long"), ("answer", "long", "x")):
        refused = here.run(*words)
        assert refused.returncode in (2, 125), words
        assert b"token read was not granted write" in refused.stderr
        assert b"inspan token new NAME --scope write" in refused.stderr
    until(lambda: there.newest()["state"] == "running", "it runs")
    with here.terminal("attach", "long") as screen:
        assert screen.finish() == 2
        assert b"not granted attach-write" in screen.output
    assert b"not granted admin" in here.run("down").stderr
    # To run something is one thing, to type into it another.
    here.env |= there.token("write")
    ran = here.run("run", "--", "echo", "hello")
    assert (ran.returncode, ran.stdout) == (0, b"hello\n")
    assert b"it is only watched" in ran.stderr
    there.console.say("token", "revoke", "write")
    assert b"no token that counts here" in here.run("ls").stderr


def test_what_cannot_be_there_is_refused(there: There, here: Console) -> None:
    here.env |= there.token("admin")
    for words, said in (
        (("up",), "is about one machine"),
        (("doctor",), "is about one machine"),
        (("token", "ls"), "is about one machine"),
        (("db", "verify"), "is about one machine"),
        (("export", "last"), "inspan logs --raw"),
        (("run", "--here", "--", "true"), "--here"),
        (("run", "--cwd", "src", "--", "true"), "a folder of this machine"),
        (("run", "--env-all", "--", "true"), "all variables of this machine"),
        (("run", "--secret", "KEY", "--", "true"), "is not sent"),
        (("run", "--no-sandbox", "--", "true"), "the settings there say"),
        (("py", "-c", "1"), "Name one"),
        (("down", "--keeper"), "--keeper is about one machine"),
        (("prune",), "Say what goes"),
    ):
        refused = here.run(*words)
        assert refused.returncode in (2, 125), (words, refused)
        assert said in refused.stderr.decode(), (words, refused.stderr)
    assert here.run("completion", "bash").returncode == 0


def test_a_context_has_a_name_and_keeps_its_token(there: There, here: Console) -> None:
    token = there.token("write")["INSPAN_TOKEN"]
    assert here.run("context", "add", "box", there.url, given=b"\n").returncode == 2
    added = here.run("context", "add", "box", there.url, given=f"{token}\n".encode())
    assert added.returncode == 0
    for file in (here.home / "contexts.json", here.home / "contexts" / "box.token"):
        assert file.stat().st_mode & 0o777 == 0o600
    assert here.say("--context", "box", "run", "--", "pwd") == str(there.console.home)
    assert "it answers" in here.say("context", "show", "box")
    assert here.say("ls", "--context", "box", "--json") != here.say("ls", "--all", "--json")
    here.say("context", "use", "box")
    assert here.say("run", "--", "pwd") == str(there.console.home)
    assert here.say("--context", "local", "run", "--", "pwd") == str(here.home)
    listed = json.loads(here.say("context", "ls", "--json"))
    assert (listed["current"], [each["name"] for each in listed["contexts"]]) == ("box", ["box"])
    assert token not in json.dumps(listed)
    assert here.say("completion", "contexts").splitlines() == ["local", "box"]
    (here.home / "contexts" / "box.token").chmod(0o644)
    refused = here.run("ls")
    assert refused.returncode == 1
    assert b"can be read by others" in refused.stderr
    here.say("context", "rm", "box")
    assert not (here.home / "contexts" / "box.token").exists()
    assert here.say("run", "--", "pwd") == str(here.home)


def test_addresses_that_are_not_safe_are_refused(here: Console) -> None:
    for url, said in (
        ("http://box.example:7433", "nothing would be encrypted"),
        ("https://me:secret@box.example:1", "holds no token"),
        ("https://box.example", "is no address"),
        ("https://box.example:1/v1?token=x", "is no address"),
        ("ftp://127.0.0.1:1", "is no address"),
        ("unix://run/x.sock", "names no socket"),
    ):
        refused = here.run("ls", "--host", url, env={"INSPAN_TOKEN": "x" * 43})
        assert refused.returncode == 2, (url, refused)
        assert said in refused.stderr.decode(), url
    refused = here.run("ls", "--host", "http://127.0.0.1:1")
    assert b"there is no token for http://127.0.0.1:1" in refused.stderr
    nobody = here.run("ls", "--host", "http://127.0.0.1:1", env={"INSPAN_TOKEN": "x" * 43})
    assert nobody.returncode == 1
    assert b"no daemon answers at http://127.0.0.1:1" in nobody.stderr


def test_by_tls_only_who_is_trusted_is_spoken_to(here: Console, tmp_path: Path) -> None:
    made = certificate(tmp_path)
    tls = f"tls: {{cert: {made.cert}, key: {made.key}}}"
    with Console(f"server: {{listen: '127.0.0.1:0', {tls}}}\n") as console:
        there = There(console)
        assert there.url.startswith("https://")
        here.env |= there.token("write", "attach-write")
        refused = here.run("ls")
        assert refused.returncode == 1
        assert b"is not trusted here" in refused.stderr
        ran = here.run("--ca", made.ca, "run", "--", "sh", "-c", "cat; pwd", given=b"typed\n")
        assert ran.stdout.decode() == f"typed\n{console.home}\n"
        here.env["SSL_CERT_FILE"] = made.ca
        assert "completed" in here.say("show", "last")


def test_a_socket_that_was_brought_here_needs_no_token(there: There, here: Console) -> None:
    # As `ssh -L` brings it.
    socket = json.loads(there.console.say("status", "--json"))["socket"]
    brought = here.home / "there.sock"
    brought.symlink_to(socket)
    here.env |= {"INSPAN_HOST": f"unix://{brought}", "ONLY_HERE": "1"}
    ran = here.say("run", "--", "sh", "-c", "pwd; echo ${ONLY_HERE-unset}")
    assert ran.splitlines() == [str(there.console.home), "unset"]
    there.console.say("down")
    gone = here.run("run", "--", "true")
    assert (gone.returncode, b"never started from afar" in gone.stderr) == (125, True)


def test_what_is_followed_goes_on_where_the_connection_broke(here: Console) -> None:
    """No byte and no event twice, and none lost, however often and wherever it is cut."""
    lines = "i=0; while [ $i -lt 40000 ]; do i=$((i+1)); echo line $i of what is followed; done"
    due = b"".join(b"line %d of what is followed\n" % n for n in range(1, 40001))
    with (
        Cutting(100_000, 7, 333_333, 2000) as way,
        Console(f"server: {{listen: '127.0.0.1:0', hosts: ['127.0.0.1:{way.port}']}}\n") as console,
    ):
        there = There(console)
        way.leads_to(there.url)
        console.say("run", "--name", "told", "--", "sh", "-c", lines)
        here.env |= there.token("write") | {"INSPAN_HOST": f"http://127.0.0.1:{way.port}"}
        told = here.run("logs", "-f", "--raw", "told")
        assert (told.returncode, way.cut) == (0, 4), told.stderr
        assert told.stdout == due
        # And a command whose task goes on meanwhile.
        way.cut_after(50_000, 9000)
        ran = here.run("run", "--", "sh", "-c", f"{lines}; exit 4")
        assert (ran.returncode, way.cut) == (4, 6), ran.stderr
        assert ran.stdout == due


def test_a_program_asks_there_with_a_loop_and_without_one(there: There) -> None:
    token = there.token("write")["INSPAN_TOKEN"]
    spec = inspan.TaskSpec(command=("sh", "-c", "pwd; echo $PATH"), cwd="")
    with inspan.sync.open(host=there.url, token=token) as control:
        task = control.wait(control.submit(spec).id)
        assert task.spec.cwd == str(there.console.home)
        assert task.spec.env["PATH"] == there.console.env["PATH"]

    async def asked() -> str:
        async with inspan.open(host=there.url, token=token) as control:
            return (await control.get(task.id)).state.value

    assert asyncio.run(asked()) == "completed"
    with pytest.raises(inspan.InspanError, match="no daemon answers"):
        asyncio.run(_health("http://127.0.0.1:1", token))
    with pytest.raises(inspan.InspanError, match="name one"):
        asyncio.run(_health(there.url, token, here=True))


async def _health(host: str, token: str, *, here: bool = False) -> None:
    async with inspan.open(host=host, token=token, here=here) as control:
        await control.health()
