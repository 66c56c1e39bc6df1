// The list of tasks, by what they need. What stays as it is is not touched: a row that is clicked on,
// or has the focus, is the same row when the list is drawn anew in between.

import { about, ago, arrange, el, needsYou, OVER, title } from "/web/draw.js";

const GROUPS = [
  ["Needs you", "needs", needsYou],
  ["At work", "", (task) => ["running", "processing"].includes(task.state)],
  ["Waits its turn", "", (task) => ["pending", "queued"].includes(task.state)],
  ["Over", "", (task) => OVER.has(task.state)],
];

export class List {
  /** `open` is called with the id of a task that is wanted, `more` where older ones are. */
  constructor(room, open, more) {
    this.room = room;
    this.open = open;
    this.rows = new Map();
    this.groups = GROUPS.map(([name, className, belongs]) => ({
      name, belongs, head: el("h2", { className }), rows: el("ul"),
    }));
    this.empty = el("p", { className: "empty" }, "No tasks yet. “New task” makes one, and so does ", el("code", {}, "inspan add -- make"), ".");
    this.older = el("div", { className: "row older" }, el("button", { type: "button", onclick: more }, "Older ones"));
  }

  /** Show `tasks`, of which `current` is looked at; `older`: there are more. */
  draw(tasks, current, older) {
    const left = new Set(tasks);
    const parts = [];
    for (const group of this.groups) {
      const its = [...left].filter(group.belongs).sort((a, b) => (a.id < b.id ? 1 : -1));
      its.forEach((task) => left.delete(task));
      if (!its.length) continue;
      say(group.head, `${group.name} · ${its.length}`);
      arrange(group.rows, its.map((task) => this.row(task, task.id === current)));
      parts.push(group.head, group.rows);
    }
    if (!parts.length) parts.push(this.empty);
    if (older) parts.push(this.older);
    arrange(this.room, parts);
    const shown = new Set(tasks.map((task) => task.id));
    for (const id of this.rows.keys()) if (!shown.has(id)) this.rows.delete(id);
  }

  row(task, current) {
    let row = this.rows.get(task.id);
    if (!row) this.rows.set(task.id, row = this.made(task.id));
    if (current) row.button.setAttribute("aria-current", "true"); else row.button.removeAttribute("aria-current");
    row.dot.className = `dot ${task.state}`;
    row.dot.setAttribute("aria-label", task.state);
    say(row.title, title(task));
    say(row.time, ago(task.ended_at ?? task.started_at ?? task.created_at));
    say(row.about, about(task));
    return row.item;
  }

  made(id) {
    const dot = el("span", { role: "img" });
    const name = el("span", { className: "title" });
    const time = el("time");
    const words = el("span", { className: "about" });
    const button = el("button", { type: "button", className: "task", onclick: () => this.open(id) }, dot, name, time, words);
    return { item: el("li", {}, button), button, dot, title: name, time, about: words };
  }
}

function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
