// Code sessions: which there are, what happened in one, and a place to type the next cell.

import * as api from "/web/api.js";
import { asks, chosen } from "/web/asking.js";
import { ago, bytes, counted, el, fill, say } from "/web/draw.js";
import { Entry } from "/web/entry.js";
import { Output } from "/web/shown.js";

/** Cells that are on the page at once; older ones are in the transcript. */
const CELLS = 200;

export class Cells {
  /** In `room`; the session `id`, where one is named. */
  constructor(room, id, fail) {
    this.room = room;
    this.id = id || null;
    this.fail = fail;
    this.cells = new Map();
    this.going = new Set(); // of those, what waits or runs
    this.seen = 0;
    this.side = el("nav", { className: "codes", "aria-label": "Code sessions" });
    this.place = el("section", { className: "code", "aria-label": "Code session" });
    room.replaceChildren(el("div", { className: "desk" }, this.side, this.place));
    this.list().catch(fail);
    this.timer = setInterval(() => this.list().catch(() => {}), 5000);
    if (this.id) this.open();
    else this.place.replaceChildren(el("p", { className: "empty" }, "A code session is Python that stays: its names are there for the next cell, from here, from ", el("code", {}, "inspan py"), " or from a notebook. Choose one, or open a new one."));
  }

  close() {
    clearInterval(this.timer);
    this.unfollow?.();
  }

  async list() {
    const sessions = (await api.codes()).reverse();
    const focused = this.side.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
    this.side.replaceChildren(
      el("button", { type: "button", onclick: () => this.make() }, "New session"),
      el("ul", {}, sessions.map((one) => el("li", {}, el("a", { href: `#/cells/${one.id}`, "aria-current": one.id === this.id ? "page" : null },
        el("span", { className: `dot ${one.state}`, role: "img", "aria-label": one.state }),
        el("span", {}, one.spec.name ?? one.id.slice(-6)),
        el("time", {}, ago(one.created_at)))))));
    if (focused) this.side.querySelector(`[href="${focused}"]`)?.focus();
    const mine = sessions.find((one) => one.id === this.id);
    if (mine && this.facts) this.state(mine);
  }

  async make() {
    const cwd = await asks("New code session", { words: "In which folder", value: localStorage.getItem("cwd") ?? "", yes: "Open" });
    if (!cwd) return;
    await this.do(async () => {
      const made = await api.openCode({ cwd }, api.newKey());
      localStorage.setItem("cwd", cwd);
      location.hash = `#/cells/${made.id}`;
    });
  }

  open() {
    this.head = el("h1");
    this.facts = el("div", { className: "facts" });
    this.said = el("span", { className: "facts", role: "status" });
    this.told = el("div", { className: "cells", role: "log", "aria-label": "Transcript" });
    this.entry = new Entry(this.id, () => this.run(), this.fail);
    const verb = (words, act) => el("button", { type: "button", onclick: () => this.do(act) }, words);
    this.first = el("button", { className: "first" }, "Run");
    this.stop = verb("Interrupt", () => this.interrupt());
    this.stop.disabled = true;
    this.save = verb("Save", () => this.checkpoint());
    this.save.title = "Save its names as a checkpoint";
    this.back = verb("Restore …", () => this.restore());
    this.end = verb("End", () => this.finish());
    this.ask = el("form", { className: "row", onsubmit: (event) => { event.preventDefault(); this.run(); } },
      this.first, this.stop, this.save, this.back, this.end, this.said,
      el("span", { className: "hint facts" }, "Ctrl+Enter runs · Tab completes · Shift+Tab explains · Esc leaves"));
    this.place.replaceChildren(this.head, this.facts, this.told, this.entry.place, this.ask);
    this.follow();
    this.entry.words.focus();
  }

  /** Read along, behind what was seen already. */
  follow() {
    this.unfollow?.();
    this.over = false;
    this.unfollow = api.followCode(this.id, this.seen, {
      heard: (event) => this.hear(event),
      linked: (there) => { this.said.textContent = there ? "" : "The connection is lost; it is tried again."; },
      over: (problem) => {
        this.over = !problem;
        this.said.textContent = problem ? problem.message : "";
        this.list().catch(this.fail);
      },
    });
  }

  state(session) {
    const over = session.state === "terminated";
    if (this.over && !over) this.follow(); // somebody gave it a new process
    for (const one of [this.entry.place, this.first, this.stop, this.save, this.end]) one.hidden = over;
    say(this.head, session.spec.name ?? session.id.slice(-6));
    const pulse = session.pulse && !over ? `${Math.round(session.pulse.memory_bytes / 1048576)} MB, ${session.pulse.names} names` : null;
    fill(this.facts,
      el("span", {}, over ? "over" : session.state),
      el("span", { className: "mono" }, session.spec.cwd),
      pulse ? el("span", {}, pulse) : null,
      session.reason ? el("span", {}, session.reason.message) : null);
  }

  async do(act) {
    try {
      await act();
    } catch (problem) {
      this.fail(problem);
    }
  }

  run() {
    const code = this.entry.code;
    if (!code.trim()) return undefined;
    return this.do(async () => {
      await api.runCell(this.id, code);
      if (this.entry.code === code) this.entry.clear(); // else somebody has written on
    });
  }

  async interrupt() {
    const { cell } = await api.interruptCell(this.id);
    if (!cell) this.said.textContent = "Nothing runs.";
  }

  /** What is saved, and what of it could not be, is told by the transcript. */
  async checkpoint() {
    await this.busy(this.save, () => api.checkpoint(this.id, ""));
  }

  async restore() {
    const saved = (await api.checkpoints(this.id)).reverse();
    if (!saved.length) { this.said.textContent = "Nothing of it was saved yet."; return; }
    const name = await chosen("Restore a checkpoint", "Its names are given back, over those that are there.",
      saved.map((one) => ({ value: one.name, words: one.name, about: `${ago(one.at)} ago, ${counted(one.names.length, "name")}, ${bytes(one.size)}` })));
    if (name === null) return;
    await this.busy(this.back, () => api.restore(this.id, name));
    this.follow(); // one that was over has a new process
    await this.list();
  }

  async finish() {
    const sure = await asks("End this session?", { about: "Its process ends, and with it all names that are not saved.", yes: "End it" });
    if (sure === null) return;
    await this.busy(this.end, () => api.closeCode(this.id));
    await this.list();
  }

  /** `button` rests while that takes its time. */
  async busy(button, act) {
    button.disabled = true;
    try { await act(); } finally { button.disabled = false; }
  }

  // ── what happens ───────────────────────────────────────────────────────────

  hear({ seq, fact }) {
    this.seen = seq;
    const room = this.room;
    const low = room.scrollTop + room.clientHeight > room.scrollHeight - 80;
    this.take(fact);
    while (this.told.children.length > CELLS) this.told.firstChild.remove();
    if (low) room.scrollTop = room.scrollHeight;
    this.stop.disabled = !this.going.size;
  }

  take(fact) {
    const cell = this.cells.get(fact.cell);
    switch (fact.kind) {
      case "cell.entered": return this.enter(fact);
      case "cell.began": return cell?.begin();
      case "cell.printed": return (cell ?? this.loose()).out.print(fact.text, fact.stream, fact.dropped);
      case "cell.shown": return (cell ?? this.loose()).out.show(fact);
      case "cell.cleared": return cell?.out.clear(fact.wait);
      case "cell.wanted": return (cell ?? this.loose()).want(fact, (text) => api.giveLine(this.id, fact.request, text).catch(this.fail));
      case "cell.given": for (const one of this.cells.values()) one.given(fact.request); return undefined;
      case "cell.ended": this.going.delete(fact.cell); return cell?.end(fact.end);
      case "code.opened": return this.remark(fact.run > 1 ? `A new process serves it: run ${fact.run}.` : `Python ${fact.python}`, fact.note);
      case "code.ended": this.going.clear(); return this.remark(`Its process is gone: ${fact.reason.message}`);
      case "code.checkpoint": return this.remark(`Saved as ${fact.saved.name}: ${counted(fact.saved.names.length, "name")}.`, ...lost("Not saved", fact.saved.lost));
      case "code.restored": return this.remark(`Restored from ${fact.restored.name}: ${counted(fact.restored.names.length, "name")}.`, ...lost("Not restored", fact.restored.lost));
      default: return undefined;
    }
  }

  enter(fact) {
    const cell = new Cell(fact);
    this.cells.set(fact.cell, cell);
    this.going.add(fact.cell);
    this.told.append(cell.place);
  }

  /** What no known cell did. */
  loose() {
    const cell = new Cell(null);
    this.told.append(cell.place);
    return cell;
  }

  remark(...words) {
    this.told.append(el("p", { className: "facts" }, words.filter(Boolean).map((one) => el("span", {}, one))));
  }
}

/** What became of names that could not be kept. */
const lost = (what, names) => names.map(({ name, reason }) => `${what}: ${name} (${reason})`);

class Cell {
  constructor(entered) {
    this.mark = el("span", { className: "count mono" }, entered ? `[${entered.number}]` : "");
    this.out = new Output();
    this.asks = el("div");
    this.place = el("article", { className: "cell" }, this.mark,
      el("div", {}, entered ? el("pre", { className: "source" }, entered.code) : null, this.out.place, this.asks));
    if (entered) this.place.classList.add("waits");
  }

  begin() {
    this.place.classList.replace("waits", "runs");
  }

  want(fact, give) {
    const words = el("input", { type: fact.password ? "password" : "text", "aria-label": fact.prompt || "A line for the cell", autocomplete: "off" });
    const form = el("form", { className: "row asks", onsubmit: (event) => { event.preventDefault(); give(words.value); } },
      el("span", { className: "mono" }, fact.prompt), el("span", { style: "flex:1" }, words), el("button", { className: "first" }, "Give"));
    form.dataset.request = fact.request;
    this.asks.append(form);
    words.focus();
  }

  given(request) {
    for (const form of this.asks.children) if (form.dataset.request === request) form.remove();
  }

  end(end) {
    this.place.classList.remove("waits", "runs");
    this.place.classList.add(end.state);
    this.asks.replaceChildren();
    this.out.end(end);
    if (end.seconds >= 1) this.mark.title = `${end.seconds.toFixed(1)} s`;
  }
}
