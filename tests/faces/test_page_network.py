"""The page over bad networks: a link dead without a word, one that breaks again and again."""

from __future__ import annotations

import re
import select
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.real.console import Console

pytestmark = [pytest.mark.faces, pytest.mark.timeout(180), pytest.mark.requirement("C6", "C9")]


class Wire:
    """A way to a port of this machine that may swallow what goes by, be slow, or break off."""

    def __init__(self, port: int) -> None:
        self._to = port
        self._door = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port: int = self._door.getsockname()[1]
        self._pairs: set[tuple[socket.socket, socket.socket]] = set()
        self._one = threading.Lock()
        #: Nothing goes through, and nobody is told.
        self.dead = threading.Event()
        #: Bytes of answers after which a connection breaks off; 0: never.
        self.breaks_after = 0
        #: The most bytes of one step of an answer, each of which takes two milliseconds.
        self.step = 1 << 16
        self.broken = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._door.accept()
                try:
                    far = socket.create_connection(("127.0.0.1", self._to))
                except OSError:
                    near.close()
                    continue
                with self._one:
                    self._pairs.add((near, far))
                threading.Thread(target=self._carry, args=(near, far), daemon=True).start()

    def _carry(self, near: socket.socket, far: socket.socket) -> None:
        carried = 0
        with suppress(OSError), near, far:
            while True:
                ready, _, _ = select.select([near, far], [], [], 0.2)
                if self.dead.is_set():
                    continue
                for one in ready:
                    data = one.recv(self.step if one is far else 1 << 16)
                    if not data:
                        return
                    (near if one is far else far).sendall(data)
                    carried += len(data) if one is far else 0
                    if self.step < 1 << 16:
                        threading.Event().wait(0.002)
                    if self.breaks_after and carried > self.breaks_after:
                        self.broken += 1
                        return

    def cut(self) -> None:
        """Every connection there is breaks off."""
        with self._one:
            pairs, self._pairs = self._pairs, set()
        for pair in pairs:
            for one in pair:
                with suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._door.close()
        self.dead.clear()
        self.cut()


@pytest.fixture
def wire() -> Iterator[Wire]:
    """Its own address is one by which the daemon may be asked."""
    wire = Wire(0)
    yield wire
    wire.close()


@pytest.fixture
def console(wire: Wire) -> Iterator[Console]:
    config = f"server:\n  listen: 127.0.0.1:0\n  hosts: ['inspan.localhost:{wire.port}']\n"
    config += f"  origins: ['http://inspan.localhost:{wire.port}']\n"
    with Console(config) as console:
        yield console


def _entered(browser: Browser, console: Console, wire: Wire, *, clock: bool = False) -> Page:
    """The page by that way; with ``clock`` its time is ours."""
    address = console.say("web", "--no-open")
    port = re.findall(r":(\d+)/", address)[0]
    wire._to = int(port)
    page = browser.new_context().new_page()
    if clock:
        page.clock.install()
    page.goto(address.replace(f":{port}/", f":{wire.port}/"))
    expect(page.get_by_role("status").first).to_have_text("live")
    return page


def test_a_link_that_is_dead_without_a_word_is_noticed(
    browser: Browser, console: Console, wire: Wire
) -> None:
    """Within forty seconds of the last word, by the clock of the page."""
    page = _entered(browser, console, wire, clock=True)
    status = page.get_by_role("status").first
    for _ in range(2):  # one that is only quiet is asked after, and kept
        with page.expect_response("**/v1/health"):
            page.clock.run_for(26_000)
    expect(status).to_have_text("live")
    console.say("run", "--name", "heard", "--", "true")
    expect(page.locator(".task").filter(has_text="heard")).to_be_visible()
    wire.dead.set()
    page.clock.run_for(39_000)
    expect(status).to_have_text("connection lost; trying again", timeout=15_000)
    console.say("run", "--name", "meanwhile", "--", "true")
    wire.dead.clear()
    wire.cut()
    page.clock.run_for(8_000)
    expect(status).to_have_text("live")
    page.clock.run_for(1_000)
    expect(page.locator(".task").filter(has_text="meanwhile")).to_be_visible()
    page.context.close()


NUMBERS = "for n in $(seq 100000 129999); do echo =$n=; done; read x; echo over"


def test_nothing_is_lost_or_doubled_over_a_link_that_breaks_again_and_again(
    browser: Browser, console: Console, wire: Wire
) -> None:
    """Every byte that the terminal is handed is counted, and the recording has the same."""
    page = _entered(browser, console, wire)
    page.evaluate(
        """async () => {
          const { Terminal } = await import("/web/xterm.js");
          const write = Terminal.prototype.write;
          window.handed = [];
          const text = (data) => typeof data === "string" ? data : new TextDecoder().decode(data);
          Terminal.prototype.write = function (data, then) {
            window.handed.push(text(data));
            return write.call(this, data, then);
          };
        }"""
    )
    console.say("add", "--pty", "--name", "numbers", "--", "sh", "-c", NUMBERS)
    row = page.locator(".task").filter(has_text="numbers")
    expect(row).to_be_visible()
    wire.step, wire.breaks_after = 4000, 100_000
    row.click()
    expect(page.locator(".tty .xterm-rows")).to_contain_text("=129999=", timeout=45_000)
    handed = "".join(page.evaluate("window.handed"))
    assert re.findall(r"=(\d+)=", handed) == [str(n) for n in range(100_000, 130_000)]
    assert wire.broken >= 2
    wire.step, wire.breaks_after = 1 << 16, 0
    console.say("send", "numbers", "go")
    expect(page.get_by_label("Task", exact=True)).to_contain_text("completed", timeout=20_000)
    page.context.close()
