// A new goal: what is to be reached, in which repository, and who plans it, works on it and reviews it.

import * as api from "/web/api.js";
import { el } from "/web/draw.js";
import { AGENTS } from "/web/making.js";

const words = (text) => text.split(/[\s,]+/).filter(Boolean);

/** Ask for it in a dialog, and go to it once it is handed in. */
export function makeGoal(fail) {
  const dialog = document.getElementById("making");
  const key = api.newKey(); // handed in twice it is one goal
  const goal = el("textarea", { id: "goal", rows: 3, required: true, placeholder: "add rate limiting to the API, with tests" });
  const where = el("input", { id: "where", required: true, className: "mono", value: localStorage.getItem("cwd") ?? "" });
  const who = (id, hint) => {
    const field = el("input", { id, placeholder: hint, autocomplete: "off" });
    field.setAttribute("list", "agents");
    return field;
  };
  const worker = who("worker", "the first found");
  const planner = who("planner", "who works");
  const reviewer = who("reviewer", "another");
  const checks = el("textarea", { id: "checks", rows: 2, className: "mono", placeholder: "make test" });
  const alone = el("input", { id: "alone", type: "checkbox", style: "width:auto" });
  const wrong = el("p", { className: "wrong", role: "alert", hidden: true });
  const send = async (event) => {
    event.preventDefault();
    const command = [
      ...words(worker.value).map((name) => `--worker=${name}`),
      ...words(planner.value).slice(0, 1).map((name) => `--planner=${name}`),
      ...words(reviewer.value).map((name) => `--reviewer=${name}`),
      ...checks.value.split("\n").map((line) => line.trim()).filter(Boolean).map((line) => `--check=${line}`),
      ...(alone.checked ? ["--yes"] : []),
    ];
    const spec = { kind: "goal", provider: "queen", prompt: goal.value, cwd: where.value.trim(), command };
    try {
      const task = await api.submit(spec, key);
      localStorage.setItem("cwd", spec.cwd);
      dialog.close();
      location.hash = `#/task/${task.id}`;
    } catch (problem) {
      if (problem.status === 401) { dialog.close(); return fail(problem); }
      wrong.textContent = problem.hint ? `${problem.message}\n${problem.hint}` : problem.message;
      wrong.hidden = false;
    }
  };
  const named = (field, said) => el("div", {}, el("label", { for: field.id }, said), field);
  dialog.replaceChildren(el("form", { onsubmit: send },
    el("h1", { id: "making-title" }, "New goal"),
    el("datalist", { id: "agents" }, [...AGENTS.filter((name) => name !== "shell"), "none"].map((name) => el("option", { value: name }))),
    el("label", { for: "goal" }, "What is to be reached"), goal,
    el("label", { for: "where" }, "In which git repository"), where,
    el("div", { className: "three" }, named(worker, "Who works"), named(planner, "Who plans"), named(reviewer, "Who reviews, or none")),
    el("label", { for: "checks" }, "Commands that have to pass, a line each"), checks,
    el("label", { for: "alone" }, alone, " unattended: the plan needs no approval"),
    wrong,
    el("div", { className: "row" },
      el("button", { className: "first" }, "Hand in"),
      el("button", { type: "button", onclick: () => dialog.close() }, "Close"))));
  dialog.showModal();
  goal.focus();
}
