"""Requests about workspaces, and how their answers are read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from inspan.client import wire
from inspan.client.calls import Call, plain_of, segment, written
from inspan.model import plain

if TYPE_CHECKING:
    from inspan.model.merging import MergeRequest, MergeResult
    from inspan.model.place import Place, SweepPolicy, Swept


def workspaces() -> Call[tuple[Place, ...]]:
    def read(answer: wire.Response) -> tuple[Place, ...]:
        from inspan.model.place import Place  # noqa: PLC0415  few commands ask

        return tuple(plain.load(Place, one) for one in plain_of(answer)["places"])

    return Call("GET", "/v1/workspaces", read)


def restore_workspace(task: str) -> Call[Place]:
    def read(answer: wire.Response) -> Place:
        from inspan.model.place import Place  # noqa: PLC0415  few commands ask

        return plain.load(Place, plain_of(answer))

    return Call("POST", f"/v1/workspaces/{segment(task)}/restore", read)


def sweep(policy: SweepPolicy) -> Call[tuple[Swept, ...]]:
    def read(answer: wire.Response) -> tuple[Swept, ...]:
        from inspan.model.place import Swept  # noqa: PLC0415  few commands ask

        return tuple(plain.load(Swept, one) for one in plain_of(answer)["swept"])

    return Call("POST", "/v1/workspaces/sweep", read, body=written(policy))


def merge(task: str, asked: MergeRequest) -> Call[MergeResult]:
    def read(answer: wire.Response) -> MergeResult:
        from inspan.model.merging import MergeResult  # noqa: PLC0415  few commands ask

        return plain.load(MergeResult, plain_of(answer))

    return Call("POST", f"/v1/tasks/{segment(task)}/merge", read, body=written(asked))
