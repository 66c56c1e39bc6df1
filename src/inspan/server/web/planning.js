// The plan of a goal as a form. What is typed is kept until it is stored: leaving the form loses
// nothing, and neither does a plan that somebody else stored meanwhile.

import * as api from "/web/api.js";
import { el, fill } from "/web/draw.js";

const NAME = /^[a-z0-9_.-]{1,64}$/;
/** What the form has fields for; all else of a step stays as it is. */
const FIELDS = ["name", "title", "prompt", "after", "minutes"];

export class PlanEditor {
  /** Of the goal `id`. */
  constructor(id) {
    this.id = id;
    this.version = null; // what is typed is for; null: nothing is
  }

  /** Show it, with what was typed and not stored, else as it is `told`; `stored` is called then. */
  open(told, stored) {
    this.stored = stored;
    this.told = told;
    if (this.version === null) this.take(told);
    const dialog = this.dialog = document.getElementById("planning");
    this.wrong = el("p", { className: "wrong", role: "alert", hidden: true });
    this.clash = el("div", { className: "asks", role: "alert", hidden: true });
    dialog.replaceChildren(el("form", { noValidate: true, onsubmit: (event) => { event.preventDefault(); this.store(); } },
      el("h1", { id: "planning-title" }, "The plan"),
      el("label", { for: "plan-summary" }, "What it comes to, in a sentence"), this.summary,
      this.steps,
      this.clash, this.wrong,
      el("div", { className: "row" },
        el("button", { className: "first" }, "Store"),
        el("button", { type: "button", onclick: () => this.add({}, true) }, "Add a step"),
        el("button", { type: "button", onclick: () => { this.take(this.told); this.open(this.told, this.stored); } }, "Start over"),
        el("button", { type: "button", onclick: () => dialog.close() }, "Close"))));
    if (!dialog.open) dialog.showModal();
    this.summary.focus();
  }

  take({ version = 0, plan }) {
    this.version = version;
    this.summary = el("input", { id: "plan-summary", value: plan?.summary ?? "" });
    this.steps = el("div");
    const steps = plan?.steps ?? [{}];
    steps.forEach((step) => this.add(step, steps.length < 4));
  }

  // ── the steps ──────────────────────────────────────────────────────────────

  add(step, open) {
    const number = this.made = (this.made ?? 0) + 1;
    const field = (key, made, words) => {
      made.id = `${key}-${number}`;
      made.dataset.key = key;
      return el("div", {}, el("label", { for: made.id }, words), made);
    };
    const name = el("input", { value: step.name ?? "", className: "mono", spellcheck: false });
    const prompt = el("textarea", { rows: 4, value: step.prompt ?? "" });
    const others = Object.entries(step).filter(([key]) => !FIELDS.includes(key));
    const head = el("summary", {}, step.name || "a new step");
    const made = el("details", { className: "edits", open },
      head,
      el("div", { className: "two" },
        field("name", name, "Name"),
        field("minutes", el("input", { value: step.minutes ?? "", inputMode: "decimal" }), "Minutes, as you think")),
      field("title", el("input", { value: step.title ?? "" }), "Title"),
      field("prompt", prompt, "Prompt"),
      field("after", el("input", { value: (step.after ?? []).join(", "), className: "mono", spellcheck: false }), "After these steps"),
      others.length ? el("p", { className: "facts mono" }, others.map(([key, value]) => `${key}: ${JSON.stringify(value)}`).join("   ")) : null,
      el("p", { className: "wrong", role: "alert", hidden: true }),
      el("button", { type: "button", onclick: () => this.remove(made, name.value) }, "Remove this step"));
    made.others = Object.fromEntries(others);
    name.addEventListener("input", () => { head.textContent = name.value || "a new step"; });
    this.steps.append(made);
    if (!step.name && this.dialog?.open) name.focus();
  }

  /** What waited for it does no more. */
  remove(made, name) {
    const next = made.nextElementSibling ?? made.previousElementSibling;
    made.remove();
    for (const field of this.steps.querySelectorAll("[data-key=after]")) field.value = names(field.value).filter((one) => one !== name).join(", ");
    (next?.querySelector("summary") ?? this.summary).focus();
  }

  // ── what is typed ──────────────────────────────────────────────────────────

  step(made) {
    const at = (key) => made.querySelector(`[data-key=${key}]`).value;
    const [title, prompt, minutes] = [at("title").trim(), at("prompt"), at("minutes").trim()];
    return {
      name: at("name").trim(),
      ...(title ? { title } : {}),
      ...(prompt ? { prompt } : {}),
      after: names(at("after")),
      ...(minutes ? { minutes: Number(minutes) } : {}),
      ...made.others,
    };
  }

  /** Say of each step what is wrong with it; whether all are good. */
  good(steps) {
    const rows = [...this.steps.children];
    const known = steps.map((step) => step.name);
    const circles = inCircles(steps);
    const wrongs = steps.map((step, at) => {
      if (!NAME.test(step.name)) return "A name is 1 to 64 characters of a-z, 0-9, “-”, “_” and “.”.";
      if (known.indexOf(step.name) !== at) return "Another step is called so.";
      const missing = step.after.find((name) => !known.includes(name));
      if (missing) return `No step is called ${missing}.`;
      if (circles.has(step.name)) return `It waits for itself: ${circles.get(step.name)}.`;
      if (!step.command?.length && !step.prompt?.trim()) return "A prompt has to say what is to be done.";
      if ("minutes" in step && !(step.minutes >= 0 && step.minutes <= 525600)) return "Minutes are a number from 0 on.";
      return "";
    });
    rows.forEach((row, at) => this.mark(row, wrongs[at]));
    const first = wrongs.findIndex(Boolean);
    if (first >= 0) rows[first].querySelector("summary").focus();
    if (!steps.length) this.say(this.wrong, "A plan has at least one step.");
    return first < 0 && steps.length > 0;
  }

  mark(row, why) {
    this.say(row.querySelector(".wrong"), why);
    if (why) row.open = true;
  }

  say(place, words) {
    place.textContent = words;
    place.hidden = !words;
  }

  // ── storing it ─────────────────────────────────────────────────────────────

  async store() {
    this.say(this.wrong, "");
    this.clash.hidden = true;
    const steps = [...this.steps.children].map((made) => this.step(made));
    if (!this.good(steps)) return;
    const summary = this.summary.value.trim();
    try {
      await api.replan(this.id, { ...(summary ? { summary } : {}), steps }, this.version);
    } catch (problem) {
      return this.refused(problem);
    }
    this.version = null;
    this.dialog.close();
    this.stored();
  }

  async refused(problem) {
    const words = problem.hint ? `${problem.message}\n${problem.hint}` : problem.message;
    const named = [...this.steps.children].find((row) => problem.message.includes(`step '${this.step(row).name}'`));
    if (named) { this.mark(named, problem.message); named.querySelector("summary").focus(); return; }
    const newer = problem.status === 409 ? await api.goal(this.id).catch(() => null) : null;
    if (!newer || (newer.version ?? 0) === this.version) return this.say(this.wrong, words);
    this.told = newer;
    const theirs = newer.plan.steps.map((step) => `${step.name}${step.after?.length ? ` (after ${step.after.join(", ")})` : ""}: ${step.title || step.prompt || ""}`);
    fill(this.clash,
      el("p", {}, `Meanwhile ${newer.by} stored version ${newer.version}. What you typed is still here.`),
      el("details", {}, el("summary", {}, "What that says"), el("pre", {}, theirs.join("\n"))),
      el("div", { className: "row" },
        el("button", { type: "button", onclick: () => { this.version = newer.version; this.store(); } }, "Store mine in its place"),
        el("button", { type: "button", onclick: () => { this.take(newer); this.open(newer, this.stored); } }, "Take that one")));
    this.clash.hidden = false;
    this.clash.scrollIntoView({ block: "nearest" });
  }
}

const names = (text) => text.split(/[\s,]+/).filter(Boolean);

/** Who waits for itself, with the way round. */
function inCircles(steps) {
  const after = new Map(steps.map((step) => [step.name, step.after]));
  const found = new Map();
  const done = new Set();
  for (const { name } of steps) {
    const way = [];
    const stack = [[name, 0]];
    while (stack.length) {
      const [one, next] = stack.pop();
      if (next === 0) {
        if (done.has(one)) continue;
        const at = way.indexOf(one);
        if (at >= 0) { found.set(one, [...way.slice(at), one].join(" → ")); continue; }
        way.push(one);
      }
      const before = (after.get(one) ?? [])[next];
      if (before === undefined) { done.add(way.pop()); continue; }
      stack.push([one, next + 1], [before, 0]);
    }
  }
  return found;
}
