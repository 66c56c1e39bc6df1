// One goal: what needs you, the plan with what became of each step, and what came of it in the end.

import * as api from "/web/api.js";
import { asks } from "/web/asking.js";
import { ago, arrange, counted, el, fill, filled, OVER, LIVE, say, short, span, title } from "/web/draw.js";
import { beside, drawing, layered } from "/web/graph.js";
import { PlanEditor } from "/web/planning.js";
import { question } from "/web/task.js";

/** How a step looks, by its word: as a task of this state. */
const LOOKS = { waits: "pending", ready: "queued", working: "running", "in review": "processing", "needs you": "waiting",
  merging: "processing", done: "succeeded", failed: "failed", "not begun": "cancelled" };
/** Milliseconds in which what happens is gathered. */
const GATHER = 200;
/** So deep a step is drawn to the right; a longer chain goes on below. */
const DEEPEST = 8;

export class Goal {
  /** In `room`, of the goal `task`. */
  constructor(room, task, fail) {
    this.id = task.id;
    this.correlation = task.correlation;
    this.fail = fail;
    this.rows = new Map();
    this.head = el("div");
    this.needs = el("div");
    this.bar = el("div", { className: "bar" }, el("span"));
    this.list = el("ul", { className: "steps", "aria-label": "Steps" });
    this.graph = el("div", { className: "graph" });
    this.drawn = el("details", { ontoggle: () => this.draw() }, el("summary", {}, "As a graph"), this.graph);
    room.replaceChildren(this.head, this.needs, this.bar, this.list, this.drawn);
    this.show({ goal: task, steps: [] });
    this.soon(0);
  }

  close() {
    this.closed = true;
    clearTimeout(this.timer);
  }

  /** Something happened to a task, or, with null, maybe to all. */
  happened(event) {
    if (event === null || event.correlation === this.correlation || event.task === this.id) this.soon(GATHER);
  }

  soon(delay) {
    if (this.reading) { this.again = true; return; }
    this.timer ??= setTimeout(() => this.read().catch((problem) => this.closed || this.fail(problem)), delay);
  }

  async read() {
    this.timer = null;
    this.reading = true;
    try {
      const told = await api.goal(this.id);
      if (!this.closed) this.show(told);
    } finally {
      this.reading = false;
    }
    if (this.again && !this.closed) { this.again = false; this.soon(GATHER); }
  }

  show(told) {
    this.told = { version: 0, steps: [], ...told };
    this.plan = new Map((told.plan?.steps ?? []).map((step) => [step.name, { title: "", after: [], ...step }]));
    this.drawHead();
    this.drawNeeds();
    const done = this.told.steps.filter((one) => one.state === "done").length;
    this.bar.hidden = !this.told.steps.length;
    this.bar.firstChild.style.width = `${100 * done / Math.max(1, this.told.steps.length)}%`;
    this.drawSteps();
    this.draw();
  }

  // ── the top ────────────────────────────────────────────────────────────────

  drawHead() {
    const { goal, steps, version, by, planner } = this.told;
    const done = steps.filter((one) => one.state === "done").length;
    const used = steps.reduce((sum, one) => sum + (one.used?.cost ?? 0), 0);
    const over = OVER.has(goal.state);
    const words = goal.outcome?.message || goal.reason?.message;
    const hint = filled(goal.outcome?.hint || goal.reason?.hint || "", goal);
    const key = JSON.stringify([goal.seq, done, steps.length, used, planner]);
    if (key === this.headed) return; // a button that somebody presses stays the same
    this.headed = key;
    fill(this.head,
      el("h1", {}, title(goal)),
      el("div", { className: "facts" },
        el("span", {}, el("span", { className: `dot ${goal.state}`, style: "display:inline-block" }), ` ${goal.state}`),
        el("span", {}, "goal"),
        steps.length ? el("span", {}, `${done} of ${counted(steps.length, "step")} done`) : null,
        version ? el("span", {}, `version ${version} of the plan, by ${by}`) : null,
        el("span", { title: goal.id }, short(goal.id)),
        el("span", {}, `made ${ago(goal.created_at)} ago`),
        used ? el("span", {}, `$${used.toFixed(4)}`) : null,
        planner ? el("a", { href: `#/task/${planner}` }, "its planner") : null,
        el("a", { href: `#/task/${goal.id}/task` }, "what it says"),
        el("span", { className: "mono" }, goal.spec.cwd)),
      over && words ? el("div", { className: `ended ${goal.state}` }, el("p", {}, words), hint ? el("p", { className: "facts" }, hint) : null) : null,
      !over && goal.state !== "waiting" && goal.reason ? el("p", {}, goal.reason.message) : null,
      version || planner ? null : el("p", { className: "facts" }, over ? "It had no plan." : "It is being planned."),
      el("div", { className: "row" },
        LIVE.has(goal.state) ? this.verb("Interrupt", () => api.interrupt(goal.id)) : null,
        goal.state === "interrupted" ? this.verb("Resume", () => api.resume(goal.id), "first") : null,
        over ? null : this.verb("Cancel", () => this.sure()),
        over ? null : el("button", { type: "button", onclick: () => this.edit() }, version ? "Edit the plan" : "Write a plan")));
  }

  verb(words, act, kind = "") {
    return el("button", { type: "button", className: kind, onclick: () => this.do(act) }, words);
  }

  async sure() {
    return await asks("Give this goal up?", { about: "All that works for it ends. What is merged stays on its branch.", yes: "Cancel it" }) === null
      ? null : api.cancel(this.id);
  }

  async do(act) {
    try {
      await act();
      this.soon(0);
    } catch (problem) {
      this.fail(problem);
    }
  }

  edit() {
    this.editor ??= new PlanEditor(this.id);
    this.editor.open(this.told, () => this.soon(0));
  }

  /** What somebody has to say, all of it: what the goal asks, and which steps stand still. */
  drawNeeds() {
    const { goal, steps } = this.told;
    const asked = goal.state === "waiting" ? goal.needs : null;
    const stuck = steps.filter((one) => one.state === "needs you" && !(asked && asked.question === one.why));
    const key = JSON.stringify([asked, stuck]);
    if (key === this.needed) return; // who is typing an answer keeps it
    this.needed = key;
    const give = (text) => this.do(() => api.answer(this.id, text, asked.id || undefined));
    fill(this.needs,
      asked ? (asked.options ?? []).includes("approve") ? this.approval(asked, give) : question(asked, give) : null,
      stuck.map((one) => el("div", { className: "asks" },
        el("p", {}, el("b", {}, one.name), one.why ? `: ${one.why}` : " stands still",
          one.hint ? el("span", { className: "facts" }, one.hint) : null),
        el("a", { className: "button", href: `#/task/${one.now ?? one.task}` }, "Go to it"))));
  }

  approval(asked, give) {
    return el("div", { className: "asks" },
      el("p", {}, asked.question),
      el("div", { className: "row" },
        el("button", { type: "button", className: "first", onclick: () => give("approve") }, "Approve"),
        el("button", { type: "button", onclick: () => this.edit() }, "Edit it first"),
        el("button", { type: "button", onclick: () => give("reject") }, "Reject")));
  }

  // ── the steps ──────────────────────────────────────────────────────────────

  drawSteps() {
    const told = new Map(this.told.steps.map((one) => [one.name, one]));
    arrange(this.list, branches([...this.plan.values()]).map(({ step, depth, also }) => this.row(step, told.get(step.name), depth, also)));
    for (const name of this.rows.keys()) if (!this.plan.has(name)) this.rows.delete(name);
  }

  row(step, one, depth, also) {
    let row = this.rows.get(step.name);
    if (!row) this.rows.set(step.name, row = made());
    row.item.style.setProperty("--depth", Math.min(depth, DEEPEST));
    row.dot.className = `dot ${LOOKS[one.state] ?? ""}`;
    say(row.name, step.name);
    say(row.title, step.title || (step.command ?? []).join(" ") || (step.prompt ?? "").split("\n", 1)[0]);
    say(row.state, one.state);
    row.state.className = `state ${LOOKS[one.state] ?? ""}`;
    say(row.facts, facts(step, one, also).join(" · "));
    say(row.why, one.state === "needs you" || !one.why ? "" : one.why);
    row.why.hidden = !row.why.textContent;
    say(row.hint, row.why.hidden ? "" : one.hint);
    row.hint.hidden = !row.hint.textContent;
    if (one.task) row.link.setAttribute("href", `#/task/${one.task}`); else row.link.removeAttribute("href");
    return row.item;
  }

  // ── the graph ──────────────────────────────────────────────────────────────

  draw() {
    this.drawn.hidden = this.plan.size < 2;
    if (this.drawn.hidden || !this.drawn.open) return;
    const focused = this.graph.contains(document.activeElement) ? document.activeElement.dataset.task : null;
    const [left, top] = [this.graph.scrollLeft, this.graph.scrollTop];
    const nodes = layered(this.asTasks());
    fill(this.graph, nodes.length ? drawing(nodes, this, "Steps and what they wait for") : el("p", { className: "facts" }, "No step waits for another."));
    [this.graph.scrollLeft, this.graph.scrollTop] = [left, top];
    if (focused) this.focus(focused);
  }

  /** The steps as what a graph is drawn of: their ids are in an order in which they can be done. */
  asTasks() {
    const told = new Map(this.told.steps.map((one) => [one.name, one]));
    const ids = new Map(ordered([...this.plan.values()]).map((step, at) => [step.name, String(at).padStart(6, "0")]));
    return new Map([...this.plan.values()].map((step) => {
      const one = told.get(step.name);
      const id = ids.get(step.name);
      return [id, { id, state: LOOKS[one.state], word: one.state, href: one.task ? `#/task/${one.task}` : `#/task/${this.id}`,
        spec: { name: step.title || step.name, after: step.after.map((name) => ids.get(name)) } }];
    }));
  }

  key(event, node, nodes) {
    const next = beside(event, node, nodes);
    if (next) this.focus(next.task.id);
  }

  focus(id) {
    this.graph.querySelector(`[data-task="${id}"]`)?.focus();
  }
}

function made() {
  const [dot, name, title] = [el("span"), el("b", { className: "mono" }), el("span", { className: "title" })];
  const [state, facts, why] = [el("span"), el("span", { className: "about" }), el("span", { className: "why" })];
  const hint = el("span", { className: "how" });
  const link = el("a", { className: "step" }, dot, name, title, state, facts, why, hint);
  return { item: el("li", {}, link), link, dot, name, title, state, facts, why, hint };
}

/** What is to be said of a step beside its state, shortest first. */
function facts(step, one, also) {
  const minutes = step.minutes ? `about ${span(step.minutes * 60)}` : "";
  const took = one.started_at ? span((one.ended_at ?? Date.now() / 1000) - one.started_at) : minutes;
  return [
    one.agent || step.provider || "",
    one.rounds ? `${counted(one.rounds, "review")}` : step.review === false ? "no review" : "",
    one.merged ? "merged" : "",
    took,
    one.used?.cost ? `$${one.used.cost.toFixed(4)}` : "",
    also.length ? `also after ${also.join(", ")}` : "",
  ].filter(Boolean);
}

/** Each after all that it waits for, else as they are written. */
export function ordered(steps) {
  const known = new Map(steps.map((step) => [step.name, step]));
  const done = new Set();
  const found = [];
  let left = steps;
  while (left.length) {
    const ready = left.filter((step) => step.after.every((name) => done.has(name) || !known.has(name)));
    if (!ready.length) return [...found, ...left]; // a circle, which no stored plan has
    ready.forEach((step) => { done.add(step.name); found.push(step); });
    left = left.filter((step) => !done.has(step.name));
  }
  return found;
}

/** Each step below the last that it waits for, with how deep that is; as `inspan plan show` has it. */
export function branches(steps) {
  const depths = new Map();
  for (const step of ordered(steps)) depths.set(step.name, 1 + Math.max(-1, ...step.after.map((name) => depths.get(name) ?? -1)));
  const parent = (step) => step.after.reduce((last, name) => (last === null || depths.get(name) > depths.get(last) ? name : last), null);
  const below = new Map([[null, []], ...steps.map((step) => [step.name, []])]);
  for (const step of steps) below.get(parent(step))?.push(step);
  const found = [];
  const stack = [...below.get(null)].reverse().map((step) => [step, 0]);
  while (stack.length) {
    const [step, depth] = stack.pop();
    const over = parent(step);
    found.push({ step, depth, also: step.after.filter((name) => name !== over) });
    stack.push(...[...below.get(step.name)].reverse().map((one) => [one, depth + 1]));
  }
  return found;
}
