// Code sessions: which there are, what happened in one, and a place to type the next cell.

import * as api from "/web/api.js";
import { ago, el, fill } from "/web/draw.js";
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
    const cwd = prompt("In which folder?", localStorage.getItem("cwd") ?? "");
    if (!cwd) return;
    try {
      const made = await api.openCode({ cwd }, api.newKey());
      location.hash = `#/cells/${made.id}`;
    } catch (problem) {
      this.fail(problem);
    }
  }

  open() {
    this.facts = el("div", { className: "facts" });
    this.link = el("span", { className: "facts", role: "status" });
    this.told = el("div", { className: "cells", role: "log", "aria-label": "Transcript" });
    this.words = el("textarea", { rows: 3, className: "mono", "aria-label": "Code", placeholder: "Python; Ctrl+Enter runs it", spellcheck: false });
    this.words.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey || event.shiftKey)) { event.preventDefault(); this.run(); }
    });
    this.stop = el("button", { type: "button", onclick: () => api.interruptCell(this.id).catch(this.fail) }, "Interrupt");
    this.ask = el("form", { className: "row", onsubmit: (event) => { event.preventDefault(); this.run(); } },
      el("button", { className: "first" }, "Run"), this.stop, this.link);
    this.place.replaceChildren(this.facts, this.told, this.words, this.ask);
    this.unfollow = api.followCode(this.id, {
      heard: (event) => this.hear(event),
      linked: (there) => { this.link.textContent = there ? "" : "The connection is lost; it is tried again."; },
      over: (problem) => { this.link.textContent = problem ? problem.message : "The session is over."; },
    });
    this.words.focus();
  }

  state(session) {
    const over = session.state === "terminated";
    this.words.hidden = over;
    this.ask.hidden = over;
    fill(this.facts,
      el("strong", {}, session.spec.name ?? session.id.slice(-6)), el("span", {}, session.state),
      el("span", { className: "mono" }, session.spec.cwd),
      session.pulse ? el("span", {}, `${Math.round(session.pulse.memory_bytes / 1048576)} MB, ${session.pulse.names} names`) : null,
      session.reason ? el("span", {}, session.reason.message) : null);
  }

  async run() {
    const code = this.words.value;
    if (!code.trim()) return;
    try {
      await api.runCell(this.id, code);
      this.words.value = "";
    } catch (problem) {
      this.fail(problem);
    }
  }

  // ── what happens ───────────────────────────────────────────────────────────

  hear({ fact }) {
    const room = this.room;
    const low = room.scrollTop + room.clientHeight > room.scrollHeight - 80;
    this.take(fact);
    while (this.told.children.length > CELLS) this.told.firstChild.remove();
    if (low) room.scrollTop = room.scrollHeight;
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
      case "cell.ended": return cell?.end(fact.end);
      case "code.opened": return this.remark(fact.run > 1 ? `A new process serves it: run ${fact.run}.` : `Python ${fact.python}`, fact.note);
      case "code.ended": return this.remark(`Its process is gone: ${fact.reason.message}`);
      case "code.checkpoint": return this.remark(`Saved as ${fact.saved.name}.`);
      case "code.restored": return this.remark(`${fact.restored.name} was given back.`);
      default: return undefined;
    }
  }

  enter(fact) {
    const cell = new Cell(fact);
    this.cells.set(fact.cell, cell);
    this.told.append(cell.place);
  }

  /** What no known cell did. */
  loose() {
    const cell = new Cell(null);
    this.told.append(cell.place);
    return cell;
  }

  remark(...words) {
    this.told.append(el("p", { className: "facts" }, ...words.filter(Boolean)));
  }
}

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
