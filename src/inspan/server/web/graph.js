// Which task waits for which: drawn in layers, and as a list.

import * as api from "/web/api.js";
import { el, fill, svg, title } from "/web/draw.js";

const WIDTH = 164, HEIGHT = 44, ACROSS = 48, DOWN = 14, EDGE = 8;
/** How much room an edge has that passes a layer. */
const LANE = 6;
/** Pages of tasks that are looked at. */
const PAGES = 10;
/** Sweeps in which each layer is put in the order of its neighbours. */
const SWEEPS = 6;
const WORDS = 20;

export class Graph {
  constructor(room, fail) {
    this.room = room;
    this.fail = fail;
    this.stop = api.watch(() => this.soon(), (there) => there && this.soon());
  }

  close() {
    this.stop();
    clearTimeout(this.timer);
  }

  soon() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.draw().catch(this.fail), 150);
  }

  async draw() {
    const timer = this.timer;
    const tasks = await all();
    if (timer !== this.timer) return;
    const focused = document.activeElement?.dataset?.task;
    const nodes = layered(tasks);
    const alone = tasks.size - nodes.length;
    const scroll = this.room.querySelector(".graph");
    const [left, top] = [scroll?.scrollLeft ?? 0, scroll?.scrollTop ?? 0];
    const open = this.room.querySelector("details")?.open ?? false;
    fill(this.room,
      el("h1", {}, "What waits for what"),
      el("p", { className: "facts" }, nodes.length ? `${nodes.length} tasks; each begins when those to the left of it have ended well.` : "No task waits for another. ",
        nodes.length ? null : el("code", {}, "inspan add --after ID -- …"),
        alone ? el("span", {}, `${alone} more stand alone.`) : null),
      nodes.length ? el("div", { className: "graph" }, drawing(nodes, this)) : null,
      nodes.length ? el("details", { open }, el("summary", {}, "As a list"), listed(nodes)) : null);
    const drawn = this.room.querySelector(".graph");
    if (drawn) [drawn.scrollLeft, drawn.scrollTop] = [left, top];
    if (focused) this.focus(focused);
  }

  focus(id) {
    this.room.querySelector(`.graph [data-task="${id}"]`)?.focus();
  }

  key(event, node, nodes) {
    const next = beside(event, node, nodes);
    if (next) this.focus(next.task.id);
  }
}

/** The arrows go along the edges, and up and down within a layer. */
export function beside(event, node, nodes) {
  const layer = nodes.filter((one) => one.layer === node.layer);
  const at = layer.indexOf(node);
  const next = { ArrowLeft: node.before[0], ArrowRight: node.after[0], ArrowUp: layer[at - 1], ArrowDown: layer[at + 1] }[event.key];
  if (next) event.preventDefault();
  return next;
}

async function all() {
  const tasks = new Map();
  let before = null;
  for (let page = 0; page < PAGES; page += 1) {
    const told = await api.tasks({ before });
    for (const task of told.tasks) tasks.set(task.id, task);
    before = told.next ?? null;
    if (!before) break;
  }
  return tasks;
}

/** The tasks that wait or are waited for, each with its layer and its place in it. */
export function layered(tasks) {
  const nodes = new Map();
  const node = (task) => {
    if (!nodes.has(task.id)) nodes.set(task.id, { task, before: [], after: [], from: [], to: [], layer: -1, place: 0, high: HEIGHT });
    return nodes.get(task.id);
  };
  for (const task of [...tasks.values()].sort((a, b) => (a.id < b.id ? -1 : 1))) {
    for (const id of task.spec.after ?? []) {
      if (!tasks.has(id)) continue;
      const [from, to] = [node(tasks.get(id)), node(task)];
      from.after.push(to);
      to.before.push(from);
    }
  }
  // Ids are in the order of time, and what is waited for was there first: one pass is enough.
  const sorted = [...nodes.values()].sort((a, b) => (a.task.id < b.task.id ? -1 : 1));
  for (const one of sorted) one.layer = 1 + Math.max(-1, ...one.before.map((other) => other.layer));
  const layers = [];
  for (const one of [...sorted, ...lanes(sorted)]) (layers[one.layer] ??= []).push(one);
  order(layers);
  const high = (layer) => layer.reduce((sum, one) => sum + one.high + DOWN, 0);
  const most = Math.max(0, ...layers.map(high));
  for (const layer of layers) {
    let y = EDGE + (most - high(layer)) / 2;
    for (const one of layer) {
      one.x = EDGE + one.layer * (WIDTH + ACROSS);
      one.y = y;
      y += one.high + DOWN;
    }
  }
  return layers.flatMap((layer) => layer.filter((one) => one.task));
}

/** A lane in each layer that an edge passes, one for all edges of a task; who is beside whom is noted. */
function lanes(nodes) {
  const all = [];
  for (const from of nodes) {
    from.lanes = new Map();
    const join = (one, other) => { one.to.push(other); other.from.push(one); };
    for (const to of from.after) {
      let last = from;
      for (let layer = from.layer + 1; layer < to.layer; layer += 1) {
        if (!from.lanes.has(layer)) {
          const lane = { from: [], to: [], layer, place: 0, high: LANE };
          from.lanes.set(layer, lane);
          all.push(lane);
          join(last, lane);
        }
        last = from.lanes.get(layer);
      }
      join(last, to);
    }
  }
  return all;
}

/** Put each layer in the order of its neighbours, so that few edges cross. */
function order(layers) {
  const settle = (layer) => layer.forEach((one, at) => { one.place = at; });
  layers.forEach(settle);
  for (let sweep = 0; sweep < SWEEPS; sweep += 1) {
    const down = sweep % 2 === 0;
    for (const layer of down ? layers : [...layers].reverse()) {
      const weight = (one) => {
        const others = down ? one.from : one.to;
        return others.length ? others.reduce((sum, other) => sum + (other.place + 0.5) / layers[other.layer].length, 0) / others.length : (one.place + 0.5) / layer.length;
      };
      const weights = new Map(layer.map((one) => [one, weight(one)]));
      layer.sort((a, b) => weights.get(a) - weights.get(b) || a.place - b.place);
      settle(layer);
    }
  }
}

/** From one box to another, through its lanes. */
export function path(from, to) {
  let [x, y] = [from.x + WIDTH, from.y + HEIGHT / 2];
  let drawn = `M${x} ${y}`;
  const bend = (u, v) => { drawn += `C${x + ACROSS / 2} ${y} ${u - ACROSS / 2} ${v} ${u} ${v}`; };
  for (let layer = from.layer + 1; layer < to.layer; layer += 1) {
    const lane = from.lanes.get(layer);
    bend(lane.x, lane.y + LANE / 2);
    [x, y] = [lane.x + WIDTH, lane.y + LANE / 2];
    drawn += `H${x}`;
  }
  bend(to.x - 3, to.y + HEIGHT / 2);
  return drawn;
}

/** `graph` has key(event, node, nodes). A task may say where it leads (`href`) and how it is (`word`). */
export function drawing(nodes, graph, label = "Tasks and what they wait for") {
  const width = EDGE * 2 + WIDTH + Math.max(...nodes.map((one) => one.x));
  const height = EDGE * 2 + HEIGHT + Math.max(...nodes.map((one) => one.y));
  const edges = nodes.flatMap((to) => to.before.map((from) => {
    return svg("path", { class: `edge ${to.task.state === "pending" ? "due" : ""}`, "data-from": from.task.id, "data-to": to.task.id,
      d: path(from, to), "marker-end": "url(#tip)" });
  }));
  const tip = svg("defs", {}, svg("marker", { id: "tip", viewBox: "0 0 6 6", refX: 5, refY: 3, markerWidth: 6, markerHeight: 6, orient: "auto" },
    svg("path", { d: "M0 0L6 3L0 6z" })));
  const lit = (id, on) => edges.forEach((edge) => {
    if (edge.dataset.from === id || edge.dataset.to === id) edge.classList.toggle("lit", on);
  });
  const boxes = nodes.map((one) => {
    const words = title(one.task);
    const { id, state } = one.task;
    const box = svg("a", { href: one.task.href ?? `#/task/${id}`, class: `node ${state}`, "data-task": id, transform: `translate(${one.x} ${one.y})`, "aria-label": spoken(one) },
      svg("title", {}, words),
      svg("rect", { width: WIDTH, height: HEIGHT, rx: 5, class: "box" }),
      svg("rect", { width: 4, height: HEIGHT, rx: 2, class: "side" }),
      svg("text", { x: 14, y: 19 }, words.length > WORDS ? `${words.slice(0, WORDS - 1)}…` : words),
      svg("text", { x: 14, y: 35, class: "state" }, wordOf(one.task)));
    for (const [kind, on] of [["focus", true], ["blur", false], ["mouseenter", true], ["mouseleave", false]]) box.addEventListener(kind, () => lit(id, on));
    box.addEventListener("keydown", (event) => graph.key(event, one, nodes));
    return box;
  });
  return svg("svg", { width, height, viewBox: `0 0 ${width} ${height}`, role: "group", "aria-label": label }, tip, edges, boxes);
}

const names = (nodes) => nodes.map((one) => title(one.task)).join(", ");
const wordOf = (task) => task.word ?? task.state;
const spoken = (one) => `${title(one.task)}, ${wordOf(one.task)}${one.before.length ? `, after ${names(one.before)}` : ""}`;

function listed(nodes) {
  return el("ul", { className: "plain" }, nodes.map((one) => el("li", {},
    el("span", { className: `dot ${one.task.state}`, style: "display:inline-block" }), " ",
    el("a", { href: `#/task/${one.task.id}` }, title(one.task)), ` ${one.task.state}`,
    one.before.length ? el("span", { className: "facts", style: "display:inline" }, ` after ${names(one.before)}`) : "")));
}
