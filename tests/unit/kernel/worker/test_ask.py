"""``host`` in a session, as far as the worker itself says what becomes of a question."""

from pathlib import Path
from typing import Any

import pytest

from inspan.kernel.protocol import Ask, Withdraw
from inspan.kernel.worker import ask
from inspan.kernel.worker.ask import Host, Questions
from tests.real.kernel import Worker

pytestmark = pytest.mark.requirement("D7")


def test_questions_beyond_those_that_may_be_open_are_refused(tmp_path: Path) -> None:
    code = f"""
import asyncio
asked = [asyncio.ensure_future(host.ask("wait")) for _ in range({ask.MOST})]
await asyncio.sleep(0)
try:
    await host.ask("one more")
except host.CapabilityError as error:
    said = str(error)
for one in asked: one.cancel()
await asyncio.gather(*asked, return_exceptions=True)
said"""
    with Worker.start(tmp_path) as worker:
        assert worker.run(code).result.value == f"{ask.MOST} questions are open already"
        cell = worker.execute("await host.ask('again')")
        asked = worker.host.wait(Ask)
        answer = {"promise": asked.promise, "ok": True, "value": 5}
        worker.host.send({"type": "answer", **answer})
        assert worker.finish(cell).result.value == 5


def test_a_host_that_does_not_answer_in_time_is_asked_no_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ask, "_GRACE", 0.0)
    sent: list[dict[str, Any]] = []
    host = Host(Questions(sent.append, lambda: "cell-1", "run"))
    with pytest.raises(TimeoutError, match="the host has not answered 'slow'"):
        host.ask_now("slow", timeout=0.01)
    assert [message["type"] for message in sent] == ["ask", "withdraw"]
    Withdraw.model_validate({**sent[1], "seq": 2})
