// A new task: what it is to do, who does it, and where.

import * as api from "/web/api.js";
import { el } from "/web/draw.js";

export const AGENTS = ["shell", "claude", "codex", "gemini", "opencode", "aider", "pi", "vibe"];

/** Ask for it in a dialog, and go to it once it is handed in. */
export function makeTask(fail) {
  const dialog = document.getElementById("making");
  const key = api.newKey(); // handed in twice it is one task
  const words = el("textarea", { id: "words", rows: 4, required: true, className: "mono" });
  const who = el("select", { id: "who" }, AGENTS.map((name) => el("option", { value: name }, name === "shell" ? "a shell command" : name)));
  const where = el("input", { id: "where", required: true, className: "mono", value: localStorage.getItem("cwd") ?? "" });
  const tree = el("input", { id: "tree", type: "checkbox", style: "width:auto" });
  const send = async (event) => {
    event.preventDefault();
    const agent = who.value !== "shell";
    const spec = {
      cwd: where.value.trim(),
      ...(agent ? { provider: who.value, prompt: words.value } : { command: ["sh", "-c", words.value] }),
      ...(tree.checked ? { workspace: "worktree" } : {}),
    };
    try {
      const task = await api.submit(spec, key);
      localStorage.setItem("cwd", spec.cwd);
      dialog.close();
      location.hash = `#/task/${task.id}`;
    } catch (problem) {
      fail(problem);
    }
  };
  dialog.replaceChildren(el("form", { onsubmit: send },
    el("h1", { id: "making-title" }, "New task"),
    el("label", { for: "who" }, "Who does it"), who,
    el("label", { for: "words" }, "What is to be done"), words,
    el("label", { for: "where" }, "In which folder"), where,
    el("label", { for: "tree" }, tree, " in a git worktree of its own"),
    el("div", { className: "row" },
      el("button", { className: "first" }, "Hand in"),
      el("button", { type: "button", onclick: () => dialog.close() }, "Close"))));
  dialog.showModal();
  words.focus();
}
