"""Words that other task lists use, and ours for them; tables and nothing else.

Names are compared in lower case with one underscore between words: ``createdAt``, ``created-at``
and ``Created At`` are one.
"""

from __future__ import annotations

import re
from typing import Final

from inspan.model.task import TaskState

_CAMEL: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_BETWEEN: Final = re.compile(r"[^a-z0-9]+")


def plain(word: str) -> str:
    """``word`` as it stands in the tables."""
    return _BETWEEN.sub("_", _CAMEL.sub("_", word).lower()).strip("_")


#: Our field → the columns it may come from, the better ones first.
FIELDS: Final[dict[str, tuple[str, ...]]] = {
    ours: tuple(words.split())
    for ours, words in {
        "id": "id task_id job_id uuid guid identifier ident pk",
        "name": "name title task_name job_name summary subject",
        "command": "command cmd argv command_line shell_command script exec",
        "prompt": "prompt instructions instruction goal objective description content text task",
        "state": "state status task_state task_status job_status stat phase stage",
        "done": "done is_done completed is_completed finished is_finished",
        "role": "role queue worker_role agent_role group",
        "provider": "provider agent agent_type agent_name",
        "priority": "priority prio importance",
        "cwd": "cwd workdir work_dir working_dir working_directory directory folder",
        "env": "env environment environ",
        "after": "after depends_on dependencies deps requires blocked_by parents",
        "created_at": "created_at created created_on creation_time create_time date_created "
        "submitted_at submitted enqueued_at queued_at inserted_at ctime timestamp date",
        "started_at": "started_at started start_time start_at start began_at",
        "ended_at": "ended_at ended end_time end_at end finished_at finished completed_at "
        "completed completed_on done_at closed_at stopped_at",
        "not_before": "not_before scheduled_at scheduled_for run_at start_after eta",
        "reason": "reason error error_message failure_reason last_error message",
        "exit_code": "exit_code exitcode exit_status return_code returncode rc",
        "retries": "retries max_retries retry_limit",
        "timeout": "timeout timeout_seconds timeout_s time_limit deadline_seconds",
        "correlation": "correlation correlation_id trace_id run_id batch_id batch",
        "labels": "labels tags metadata meta annotations",
    }.items()
}

_STATES: Final = {
    TaskState.PENDING: "todo to_do open new created backlog planned scheduled not_started draft "
    "deferred blocked waiting_for_dependencies waiting_for_dependency on_deck unstarted",
    TaskState.QUEUED: "ready enqueued submitted runnable assigned waiting_for_slot in_queue",
    TaskState.RUNNING: "in_progress inprogress progress active started starting working "
    "executing doing wip busy ongoing live",
    TaskState.WAITING: "waiting_for_input waiting_for_user waiting_for_human needs_input "
    "input_required awaiting_input awaiting_user awaiting_approval waiting_for_approval "
    "needs_approval needs_attention permission_required requires_action question",
    TaskState.PROCESSING: "review in_review reviewing needs_review verifying verification testing "
    "validating checking finishing finalizing finalising",
    TaskState.COMPLETED: "complete done finished closed ended exited",
    TaskState.SUCCEEDED: "success successful succeed ok passed pass verified approved accepted "
    "merged resolved green",
    TaskState.FAILED: "failure fail timeout timed_out time_out timedout expired rejected not_ok "
    "deadline_exceeded unsuccessful red",
    TaskState.ERROR: "errored exception broken crashed dead invalid fault spawn_failed "
    "failed_to_start startup_failure",
    TaskState.INTERRUPTED: "paused suspended stopped on_hold hold held orphaned lost stalled "
    "stuck abandoned preempted zombie",
    TaskState.CANCELLED: "canceled cancel killed aborted abort terminated skipped wontfix wont_do "
    "wont_fix dropped deleted removed discarded obsolete revoked dismissed",
}
#: Their word → our state; our own words are among them.
STATES: Final[dict[str, TaskState]] = {
    word: state for state, words in _STATES.items() for word in (state.value, *words.split())
}

PRIORITIES: Final[dict[str, int]] = {
    **dict.fromkeys(("lowest", "trivial"), -20),
    **dict.fromkeys(("low", "minor"), -10),
    **dict.fromkeys(("normal", "medium", "default", "none"), 0),
    **dict.fromkeys(("high", "major", "important"), 10),
    **dict.fromkeys(("highest", "urgent", "critical", "blocker"), 20),
}

YES: Final = frozenset({"true", "yes", "y", "1", "x", "t"})
NO: Final = frozenset({"false", "no", "n", "0", "f"})
