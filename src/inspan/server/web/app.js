// The page: which tasks there are, which one is looked at, and what happens meanwhile.

import * as api from "/web/api.js";
import { Cells } from "/web/cells.js";
import { Charts } from "/web/charts.js";
import { isGoal, needsYou } from "/web/draw.js";
import { Goal } from "/web/goal.js";
import { Graph } from "/web/graph.js";
import { Known } from "/web/known.js";
import { List } from "/web/list.js";
import { makeGoal } from "/web/aiming.js";
import { makeTask } from "/web/making.js";
import { Replay } from "/web/replay.js";
import { Search } from "/web/search.js";
import { Detail } from "/web/task.js";

const known = new Known(changed, fail);
const link = document.getElementById("link");
const room = document.getElementById("detail");
const detail = new Detail(room, fail);
let view = null; // what is open beside a task, and can be closed
let drawn = 0;

/** Say what went wrong, with what helps; the last one counts. */
let hiding;
export function fail(problem) {
  const note = document.getElementById("note");
  note.textContent = problem.hint ? `${problem.message}\n${problem.hint}` : problem.message;
  note.hidden = false;
  clearTimeout(hiding);
  hiding = setTimeout(() => { note.hidden = true; }, 12000);
  if (problem.status === 401) location.hash = "#/login";
}

// ── the list ─────────────────────────────────────────────────────────────────

const list = new List(
  document.getElementById("list"),
  (id) => { location.hash = `#/task/${id}`; },
  (group) => known.more(group).catch(fail),
);

function drawList() {
  list.draw(known, detail.id);
  const waiting = [...known.tasks.values()].filter(needsYou).length;
  document.title = waiting ? `(${waiting}) inspan` : "inspan";
}

/** Draw once for all that happens within a frame. */
function redraw() {
  if (drawn) return;
  drawn = requestAnimationFrame(() => { drawn = 0; drawList(); });
}

// ── what happens ─────────────────────────────────────────────────────────────

function changed(...ids) {
  const task = known.tasks.get(detail.id);
  if (task && !view && (!ids.length || ids.includes(task.id))) detail.show(task);
  redraw();
}

function linked(there, anew) {
  link.textContent = there ? "live" : "connection lost; trying again";
  link.classList.toggle("lost", !there);
  if (there && !anew) view?.happened?.(null);
  if (there && anew) known.read().then(route).catch(fail);
}

// ── where one is ─────────────────────────────────────────────────────────────

/** Views that take the whole page, by their word in the address. */
const WIDE = {
  load: () => new Charts(room, fail),
  cells: (id) => new Cells(room, id, fail),
  graph: () => new Graph(room, fail),
  search: (text, task) => new Search(room, decodeURIComponent(text ?? ""), task, (id) => known.get(id), fail),
};

async function route() {
  const [, where, id, ...rest] = location.hash.split("/");
  const wide = WIDE[where];
  view?.close();
  view = null;
  const main = document.querySelector("main");
  main.classList.toggle("one", Boolean(wide) || where === "task" || where === "login");
  main.classList.toggle("wide", Boolean(wide));
  for (const link of document.querySelectorAll("header nav a")) {
    const here = link.getAttribute("href") === `#/${wide ? where : ""}`;
    if (here) link.setAttribute("aria-current", "page"); else link.removeAttribute("aria-current");
  }
  known.current = where === "task" ? id : null;
  if (where === "login") return detail.askIn();
  if (wide) { detail.leave(); view = wide(id, ...rest); return; }
  if (where !== "task") { detail.nothing(); return redraw(); }
  try {
    const task = await known.get(id);
    if (location.hash.split("/")[2] !== id) return; // somebody went on meanwhile
    if (rest[0] === "replay" && task.session) {
      detail.leave();
      detail.id = task.id;
      view = new Replay(room, task, rest[1] ?? null, rest[2] === undefined ? null : Number(rest[2]), fail);
    } else if (isGoal(task) && rest[0] !== "task") {
      detail.leave();
      detail.id = task.id;
      view = new Goal(room, task, fail);
    } else {
      detail.show(task);
    }
  } catch (problem) {
    fail(problem);
  }
  redraw();
}

function step(by) {
  const rows = [...list.room.querySelectorAll(".task")];
  const at = rows.findIndex((each) => each === document.activeElement);
  rows[Math.min(rows.length - 1, Math.max(0, at + by))]?.focus();
}

const KEYS = { j: () => step(1), k: () => step(-1), n: () => makeTask(fail), g: () => makeGoal(fail),
  "/": () => { location.hash = "#/search/"; }, Escape: () => { location.hash = "#/"; } };

document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input, textarea, select, dialog, .tty");
  if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
  if (!KEYS[event.key]) return;
  event.preventDefault();
  KEYS[event.key]();
});
document.getElementById("new").onclick = () => makeTask(fail);
document.getElementById("aim").onclick = () => makeGoal(fail);
document.getElementById("leave").onclick = () =>
  api.leave().then(() => { location.hash = "#/login"; location.reload(); }).catch(fail);
window.addEventListener("hashchange", route);

/** A code in the address is shown once, and taken out of it before anything else. */
async function begin() {
  const code = /^#code=([\w-]+)$/.exec(location.hash)?.[1];
  if (code) {
    history.replaceState(null, "", "/");
    try { await api.enter(code); } catch (problem) { return detail.askIn(problem); }
  }
  try { await api.health(); } catch (problem) {
    return problem.status === 401 ? detail.askIn() : fail(problem);
  }
  api.watch((event) => { known.happened(event.task); view?.happened?.(event); }, linked);
  setInterval(redraw, 15000); // ages
}

begin();
