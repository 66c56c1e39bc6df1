"""The provider of every agent: it starts the agent's own program, and makes a ``Run`` of it.

What is particular to an agent is in its dialect (``inspan.agents``); which task it works on is not
known here.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import anyio.to_thread

from inspan.agents.dialect import (
    Dialect,
    HasScreenRules,
    Turn,
    When,
    adapter_of,
    kept_by,
    told_by,
)
from inspan.engine.handing import Account, Past
from inspan.engine.ports import Order, Run
from inspan.errors import BadInput, ProgramNotFound, SecretMissing
from inspan.model.agent import Mode, Outcome
from inspan.model.task import BY_LINES, TaskSpec
from inspan.providers import programs
from inspan.providers.agentlogin import AgentLogin
from inspan.providers.agentrun import AgentRun
from inspan.providers.commands import Commands
from inspan.providers.dialogue import Dialogue
from inspan.providers.hands import Hands
from inspan.providers.login import Logins
from inspan.providers.permits import Permits
from inspan.providers.process import Processes
from inspan.providers.recounting import of_lines, of_screen
from inspan.providers.redaction import Redaction
from inspan.providers.sandbox import Confined
from inspan.providers.saying import Saying
from inspan.providers.screenrules import rulebooks
from inspan.terminal import delivery
from inspan.terminal.rules import Rulebook

log = logging.getLogger(__name__)

_ROOT: Final = "/"
_GO_ON: Final = "You were interrupted. Go on with the task from where you left off."
_SENT_BACK: Final = "The work was reviewed and is not done yet. Take up these findings:"


class AgentProvider:
    """One agent, as ``dialect`` has it."""

    def __init__(
        self, dialect: Dialect, processes: Processes, logins: Logins | None = None
    ) -> None:
        self._dialect = dialect
        self._processes = processes
        self._login = None if logins is None else AgentLogin(dialect, logins)

    @property
    def name(self) -> str:
        """The word after ``--agent``."""
        return self._dialect.name

    def check(self, spec: TaskSpec) -> None:
        """Refuse what can never run. Raises BadInput, FolderMissing, ProgramNotFound."""
        mode = self._mode(spec.mode)
        if mode is not Mode.PTY and not (spec.prompt and spec.prompt.strip()):
            raise BadInput(
                f"there is nothing to ask {self.name}",
                hint=f'Write it: `inspan run --agent {self.name} "fix the failing test"`.',
            )
        if mode is Mode.PTY and spec.permissions is not None and spec.permissions.rules:
            raise BadInput(
                f"what {self.name} asks on a terminal a person answers: no rule is heard",
                hint="Leave out --mode pty, or the rules.",
            )
        if mode is Mode.PTY:
            delivery.check_words(spec.prompt or "")
        turn = Turn(prompt=spec.prompt or "", mode=mode, arguments=spec.command, cwd=spec.cwd)
        self._dialect.check(turn)
        programs.check_arguments(self._dialect.argv(turn))
        programs.check_environment(spec.env)
        if not spec.after:
            programs.check_folder(spec.cwd)
        self._check_installed(spec.cwd, spec.env, mode)
        if mode is Mode.PTY:
            screen_rules_of(self._dialect)

    def check_budget(self, spec: TaskSpec) -> None:
        """Refuse a budget that it cannot be held to. Raises BadInput."""
        if spec.budget is None:
            return
        mode = self._mode(spec.mode)
        tells = told_by(self._dialect, mode)
        for what, wanted, when in (
            ("how much money", spec.budget.cost, tells.cost),
            ("how many tokens", spec.budget.tokens, tells.tokens),
        ):
            if wanted is not None and when in (When.NEVER, When.AT_END):
                how = "tells only at its end" if when is When.AT_END else "never tells"
                who = f"{self.name}{self._spoken_to(mode)}"
                raise BadInput(
                    f"{who} {how} {what} it uses, and so it cannot be held to that budget",
                    hint="--timeout limits how long it may take; --budget none is no budget.",
                )

    async def check_sandbox(self, spec: TaskSpec) -> None:
        """Refuse what cannot be confined as it asks. Raises NotConfined, BadInput."""
        await self._processes.check_sandbox(spec, kept_by(self._dialect))

    async def authenticate(self, order: Order) -> None:
        """That it is logged in; ``open`` has to follow. Raises LoginFailed, SecretMissing."""
        if self._login is not None:
            self._check_installed(order.cwd, order.env, self._mode(order.mode))
            process = self._as_process(order, self._turn(order))
            await self._login.assure(process, lambda argv: self._looking(process, argv))

    async def _looking(self, order: Order, argv: Sequence[str]) -> Confined:
        """How ``argv`` is started that only asks: where it is confined, it writes no workspace."""
        sandbox = None if order.sandbox is None else replace(order.sandbox, read_only=True)
        asking = replace(order, sandbox=sandbox, workspace=None)
        return await self._processes.inside(asking, argv, kept_by(self._dialect), cwd=_ROOT)

    async def open(self, order: Order) -> Run:
        """Start it. Raises SpawnFailed and what is below it, KeeperLost."""
        turn = self._turn(order)
        process = self._as_process(order, turn)
        try:
            programs.check_folder(order.cwd)
            self._check_installed(order.cwd, order.env, self._mode(order.mode))
            inner = await self._processes.open(
                process, self._dialect.argv(turn), kept_by(self._dialect)
            )
        except BaseException:
            self._ended(process, None)
            raise
        return await self._run(process, turn, inner, adopted=False)

    async def adopt(self, order: Order) -> Run | None:
        """Take up what an earlier engine started; ``None`` where nothing is known of it."""
        turn = self._turn(order)
        process = self._as_process(order, turn)
        inner = await self._processes.adopt(process)
        return None if inner is None else await self._run(process, turn, inner, adopted=True)

    # ── from one agent to another ─────────────────────────────────────────────

    def leave(self, spec: TaskSpec) -> TaskSpec:
        """Without what is for this agent alone."""
        own = self._dialect.secrets
        kept = {name: ref for name, ref in spec.secrets.items() if name not in own}
        return replace(spec, command=(), secrets=kept)

    def take(self, spec: TaskSpec) -> TaskSpec:
        """With the terminal or the pipes that it needs. Raises BadInput."""
        if self._mode(spec.mode) is Mode.PTY:
            terminal = replace(spec.terminal.for_agent(), record_input=False)
        else:
            terminal = BY_LINES
        return replace(spec, terminal=terminal)

    async def recount(self, past: Past, most: int) -> Account:
        """What it said and did in one attempt. Raises SessionNotFound."""
        spec, folder = past.spec, self._processes.folder(past.session)
        hidden = await self._hidden(spec.secrets)
        mode = self._mode(spec.mode)
        if mode is Mode.PTY:
            return await anyio.to_thread.run_sync(of_screen, folder, hidden, most)
        turn = Turn(prompt=spec.prompt or "", mode=mode, resume=past.resumes, cwd=spec.cwd)
        dialogue = Dialogue(self._dialect.talk(turn), hidden)
        return await anyio.to_thread.run_sync(of_lines, folder, dialogue, hidden, most)

    def _ended(self, process: Order, outcome: Outcome | None) -> None:
        if self._login is not None:
            self._login.ended(process, outcome)

    async def _hidden(self, secrets: Mapping[str, str]) -> Redaction:
        """What nobody is to see; a value that is gone cannot be looked for."""
        try:
            return Redaction((await self._processes.values_of(secrets)).values())
        except SecretMissing:
            return Redaction(())

    async def _run(self, order: Order, turn: Turn, inner: Run, *, adopted: bool) -> Run:
        hidden = await self._hidden(order.secrets)
        if turn.mode is Mode.PTY:
            self._ended(order, None)  # its screen does not tell how it ended
            told = replace(order, prompt=turn.prompt)
            return await self._watched(told, inner, hidden, adopted=adopted)
        dialogue = Dialogue(self._dialect.talk(turn), hidden)
        return AgentRun(
            inner,
            self._processes.folder(order.session),
            dialogue,
            Permits(order.permissions, order.cwd),
            Saying(self._processes.screens.clock, hidden),
            self._hands(order),
            adopted=adopted,
            ended=lambda outcome: self._ended(order, outcome),
        )

    def _hands(self, order: Order) -> Hands:
        """What is done for it, in its place."""
        own = kept_by(self._dialect)
        files = self._processes.files(order, own)
        return Hands(files, Commands(self._processes, order, own, files))

    async def _watched(self, order: Order, inner: Run, hidden: Redaction, *, adopted: bool) -> Run:
        folder = self._processes.folder(order.session)
        try:
            books = screen_rules_of(self._dialect)
        except BadInput as error:  # they were right when it was submitted
            log.warning("%s", error, extra={"action": "watch", "session": order.session})
            books = rulebooks(self.name)
        watch = self._processes.screens.watch
        return await watch(inner, order, folder, books, hidden, adopted=adopted)

    def _turn(self, order: Order) -> Turn:
        return Turn(
            prompt=_prompt(order),
            mode=self._mode(order.mode),
            resume=order.resumes,
            arguments=order.command,
            cwd=order.cwd,
            cost_most=order.cost_most if self._keeps_cost(order) else None,
            ruled=bool(order.permissions.rules),
        )

    def _as_process(self, order: Order, turn: Turn) -> Order:
        """A conversation by lines has pipes, and both sides of it are recorded."""
        terminal = order.terminal.for_agent() if turn.mode is Mode.PTY else BY_LINES
        return replace(order, terminal=terminal, env={**order.env, **self._dialect.env(turn)})

    def _mode(self, asked: Mode | None) -> Mode:
        known = self._dialect.modes
        if asked is None:
            return known[0]
        if asked not in known:
            raise BadInput(
                f"{self.name} cannot be spoken to by {asked.value!r}",
                hint=f"It can be by: {', '.join(mode.value for mode in known)}.",
            )
        return asked

    def _spoken_to(self, mode: Mode) -> str:
        if mode is Mode.PTY:
            return " on a terminal"
        return " over an adapter" if adapter_of(self._dialect, mode) else ""

    def _keeps_cost(self, order: Order) -> bool:
        return told_by(self._dialect, self._mode(order.mode)).cost is When.KEEPS

    def _check_installed(self, cwd: str, env: Mapping[str, str], mode: Mode) -> None:
        adapter = adapter_of(self._dialect, mode)
        needed = [(self._dialect.program, self._dialect.install)]
        if adapter is not None:
            needed.append((adapter.program, adapter.install))
        for program, install in needed:
            try:
                programs.check_program(program, cwd, env)
            except ProgramNotFound as error:
                what = f"agent {self.name}" if install == self._dialect.install else "adapter"
                raise ProgramNotFound(
                    f"The {what} is not installed: there is no `{program}` on the task's PATH.",
                    hint=_install_hint(self.name, install),
                ) from error


def screen_rules_of(dialect: Dialect) -> tuple[Rulebook, ...]:
    """By what it is told what its terminal shows. Raises BadInput where its own rules are amiss."""
    own = dialect.screen_rules if isinstance(dialect, HasScreenRules) else None
    return rulebooks(dialect.name, None if own is None else Path(own))


def _install_hint(name: str, install: str) -> str:
    if install:
        return f"Install it: `{install}`."
    return f"Install it as its maker says, or mend the PATH; `inspan agents` has {name}."


def _prompt(order: Order) -> str:
    """What the agent is told: the work, the findings of a review, or to go on."""
    findings = "\n".join(f"- {finding}" for finding in order.findings)
    if order.resumes is not None and not order.follows:
        return f"{_SENT_BACK}\n{findings}" if findings else _GO_ON
    prompt = order.prompt or ""
    return f"{prompt}\n\n{_SENT_BACK}\n{findings}" if findings else prompt
