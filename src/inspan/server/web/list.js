// The list of tasks, by what they need. What stays as it is is not touched: a row that is clicked on,
// or has the focus, is the same row when the list is drawn anew in between.

import { about, ago, arrange, el, say, title } from "/web/draw.js";
import { GROUPS } from "/web/known.js";

export class List {
  /** `open` is called with the id of a task that is wanted, `more` with a group of which older ones are. */
  constructor(room, open, more) {
    this.room = room;
    this.open = open;
    this.rows = new Map();
    this.groups = GROUPS.map((group) => ({
      group, head: el("h2", { className: group.className ?? "" }), rows: el("ul"), older: older(group, more),
    }));
    this.empty = el("p", { className: "empty" }, "No tasks yet. “New task” makes one, and so does ", el("code", {}, "inspan add -- make"), ".");
  }

  /** Show what is known, of which the task `current` is looked at. */
  draw(known, current) {
    const left = new Set(known.tasks.values());
    const parts = [];
    for (const { group, head, rows, older } of this.groups) {
      const its = [...left].filter(group.belongs).sort((a, b) => (a.id < b.id ? 1 : -1));
      its.forEach((task) => left.delete(task));
      if (!its.length) continue;
      say(head, `${group.name} · ${known.number(group, its.length)}`);
      arrange(rows, its.map((task) => this.row(task, task.id === current)));
      parts.push(head, rows);
      if (known.older.has(group)) parts.push(older);
    }
    if (!parts.length) parts.push(this.empty);
    arrange(this.room, parts);
    for (const id of this.rows.keys()) if (!known.tasks.has(id)) this.rows.delete(id);
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

const older = (group, more) => el("div", { className: "row older" },
  el("button", { type: "button", onclick: () => more(group) }, "Older ones"));
