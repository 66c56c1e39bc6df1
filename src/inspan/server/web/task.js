// One task: what it is, what it asks, what it changed, and its terminal.

import * as api from "/web/api.js";
import { asks } from "/web/asking.js";
import { about, ago, awaitsVerdict, el, fill, filled, LIVE, OVER, settingUp, short, title, watched } from "/web/draw.js";
import { Screen } from "/web/screen.js";

export class Detail {
  /** In `room`; `fail` is told of what went wrong. */
  constructor(room, fail) {
    this.room = room;
    this.fail = fail;
    this.id = null;
    this.screen = null;
    this.top = el("div");
    this.below = el("div");
    this.tty = el("div");
  }

  /** Nothing is looked at. */
  nothing() {
    this.leave();
    this.room.replaceChildren(el("p", { className: "empty" }, "Choose a task."));
  }

  /** This browser is not let in. */
  askIn(problem) {
    this.leave();
    fill(this.room,
      el("h1", {}, "This browser is not logged in"),
      el("p", {}, problem ? problem.message : "On the machine where inspan runs, type ", problem ? "" : el("code", {}, "inspan web"), problem ? "" : "."),
      problem ? el("p", {}, problem.hint) : null);
  }

  leave() {
    this.screen?.close();
    this.screen = null;
    this.watched = null;
    this.id = null;
  }

  /** Show a task, or what is new of the one that is shown. */
  show(task) {
    if (task.id !== this.id) {
      this.leave();
      this.id = task.id;
      this.room.replaceChildren(this.top, this.below, this.tty);
      this.below.replaceChildren();
      this.tty.replaceChildren();
      this.patch = null;
    }
    this.task = task;
    // Who is typing an answer keeps it, as long as that is still asked.
    const typing = this.top.querySelector("input:focus")?.value;
    if (!typing || this.asked !== task.needs?.id) this.drawTop();
    this.asked = task.needs?.id;
    this.watch(watched(task));
    this.screen?.may(LIVE.has(task.state));
    if (!this.patch && task.workspace?.branch && (OVER.has(task.state) || awaitsVerdict(task))) this.drawDiff();
  }

  /** What is printed by the task, or session, of that id. */
  watch(id) {
    if (id === this.watched) return;
    this.screen?.close();
    this.watched = id;
    this.screen = id && new Screen(this.tty, id, this.fail, id !== this.id);
  }

  drawTop() {
    const task = this.task;
    const ended = task.exit ? (task.exit.signal ? `signal ${task.exit.signal}` : `exit ${task.exit.code}`) : "";
    this.top.replaceChildren(
      el("h1", {}, title(task)),
      el("div", { className: "facts" },
        el("span", {}, el("span", { className: `dot ${task.state}`, style: "display:inline-block" }), ` ${task.state}`),
        el("span", {}, task.spec.provider ?? "shell"),
        el("span", { title: task.id }, short(task.id)),
        el("span", {}, `made ${ago(task.created_at)} ago`),
        ended && el("span", {}, ended),
        settingUp(task) && el("span", {}, settingUp(task)),
        task.usage?.cost ? el("span", {}, `$${task.usage.cost.toFixed(4)}`) : null,
        el("span", { className: "mono" }, task.workspace?.path ?? task.spec.cwd),
        task.spec.labels?.goal ? el("a", { href: `#/task/${task.spec.labels.goal}` }, task.spec.labels.step ? `step ${task.spec.labels.step} of a goal` : "of a goal") : null),
      task.reason && !["completed", "succeeded"].includes(task.state)
        ? el("p", {}, task.reason.message, task.reason.hint ? el("span", { className: "facts" }, filled(task.reason.hint, task)) : null) : "",
      task.verdict === "accept" && task.workspace?.branch
        ? el("p", { className: "mono" }, `accepted: git merge ${task.workspace.branch}`) : "",
      task.state === "waiting" && task.needs ? this.question(task.needs) : "",
      this.verbs());
  }

  question(needs) {
    return question(needs, (text) => this.do(() => api.answer(this.id, text, needs.id || undefined)));
  }

  /** What can be done with it now. */
  verbs() {
    const task = this.task;
    const verb = (words, act, kind = "") => el("button", { type: "button", className: kind, onclick: () => this.do(act) }, words);
    const done = ["completed", "succeeded"].includes(task.state) && !task.verdict && task.workspace?.branch;
    return el("div", { className: "row" },
      LIVE.has(task.state) ? verb("Interrupt", () => api.interrupt(task.id)) : "",
      task.state === "interrupted" ? verb("Resume", () => api.resume(task.id), "first") : "",
      OVER.has(task.state) ? "" : verb("Cancel", () => this.sure("Give this task up?", "What runs of it ends.", "Cancel it", () => api.cancel(task.id))),
      done || awaitsVerdict(task) ? [
        verb("Accept", () => api.decide(task.id, "accept"), "first"),
        verb("Send back", async () => {
          const finding = await asks("Send back", { words: "What is wrong with it", long: true, yes: "Send back" });
          return finding && api.decide(task.id, "send_back", [finding]);
        }),
        verb("Reject", () => this.sure("Refuse this result?", "", "Reject it", () => api.decide(task.id, "reject"))),
      ] : "");
  }

  async sure(title, about, yes, act) {
    return await asks(title, { about, yes }) === null ? null : act();
  }

  async do(act) {
    try {
      const task = await act();
      if (task?.id === this.id) this.show(task);
    } catch (problem) {
      this.fail(problem);
    }
  }

  async drawDiff() {
    this.patch = el("div");
    this.below.prepend(el("h3", {}, "What it changed"), this.patch);
    try {
      const text = await api.diff(this.id);
      this.patch.replaceChildren(text ? el("pre", { className: "diff" }, text.split("\n").map(line)) : el("p", { className: "facts" }, "Nothing."));
    } catch (problem) {
      this.patch.replaceChildren(el("p", { className: "facts" }, problem.message));
    }
  }
}

/** What is asked, with an answer at one click, which `give` gets. */
export function question(needs, give) {
  // Who leads a goal asks for one of her own words.
  const permission = needs.kind === "permission" && (needs.options ?? []).every((text) => ["allow", "deny"].includes(text));
  const words = el("input", { type: "text", "aria-label": "Your answer", placeholder: permission ? "or say why not" : "Your answer" });
  const known = permission ? [["Allow", "allow", "first"], ["Deny", "deny", ""]] : (needs.options ?? []).map((text) => [text, text, ""]);
  return el("div", { className: "asks" },
    el("p", {}, needs.question),
    el("div", { className: "row" }, known.map(([shown, text, kind]) =>
      el("button", { type: "button", className: kind, onclick: () => give(text) }, shown))),
    el("form", { className: "row", onsubmit: (event) => { event.preventDefault(); if (words.value) give(words.value); } },
      el("span", { style: "flex:1" }, words), el("button", {}, "Send")),
    needs.more ? el("p", { className: "facts" }, `${needs.more} more wait behind it`) : null);
}

function line(text) {
  const kind = /^(diff|\+\+\+|---) /.test(text) ? "file" : text.startsWith("@@") ? "at" : text.startsWith("+") ? "in" : text.startsWith("-") ? "out" : "";
  return el("span", { className: kind }, text || " ");
}
