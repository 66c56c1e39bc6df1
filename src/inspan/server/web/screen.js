// A task's terminal: what it printed from the first byte on, and, for who attaches, a keyboard.

import { FitAddon } from "/web/xterm-fit.js";
import { Terminal } from "/web/xterm.js";
import * as api from "/web/api.js";
import { el } from "/web/draw.js";

// What a program asks its terminal, inspan answers, once; this one must not answer it again.
const ASKED = [
  { final: "c" }, { prefix: ">", final: "c" }, { prefix: "=", final: "c" },
  { final: "n" }, { prefix: "?", final: "n" }, { prefix: "?", final: "u" }, { prefix: ">", final: "q" },
  { intermediates: "$", final: "p" }, { prefix: "?", intermediates: "$", final: "p" },
];
const COLOURS = [4, 10, 11, 12];

/** Have `terminal` answer nothing. */
export function mute(terminal) {
  for (const id of ASKED) terminal.parser.registerCsiHandler(id, () => true);
  for (const number of COLOURS) terminal.parser.registerOscHandler(number, (words) => words.endsWith("?"));
  terminal.parser.registerDcsHandler({ intermediates: "$", final: "q" }, () => true);
}

export class Screen {
  /** Of the task or the session `id`, at the end of `room`; `setup` is watched, and no more. */
  constructor(room, id, fail, setup) {
    this.id = id;
    this.fail = fail;
    this.place = el("div", { className: "tty" });
    this.attach = el("button", { type: "button", onclick: () => this.hold(!this.holds) }, "Attach");
    this.word = el("span", { className: "facts", role: "status" });
    const ways = setup ? [] : [this.attach,
      el("a", { className: "button", href: `#/task/${id}/replay` }, "Replay"),
      el("a", { className: "button", href: `#/search//${id}` }, "Search")];
    room.replaceChildren(el("h3", {}, setup ? "Set-up" : "Terminal"), el("div", { className: "row" }, ways, this.word), this.place);
    // Links are text here: what a program prints must not lead anywhere by a click.
    this.shown = new Terminal({ cols: 80, rows: 24, scrollback: 5000, fontSize: 13, linkHandler: { activate() {} } });
    this.fit = new FitAddon();
    this.shown.loadAddon(this.fit);
    mute(this.shown);
    this.shown.open(this.place);
    this.shown.onData((text) => this.holds && this.link.write(new TextEncoder().encode(text)));
    this.shown.onBinary((text) => this.holds && this.link.write(Uint8Array.from(text, (char) => char.charCodeAt(0))));
    this.holds = false;
    this.open();
  }

  open() {
    const offset = this.link?.close() ?? 0;
    this.shown.options.disableStdin = !this.holds;
    this.link = api.terminal(this.id, offset, this.holds, {
      output: (bytes) => this.shown.write(bytes),
      gap: (bytes) => this.shown.write(`\r\n\x1b[2m[${bytes} bytes are not kept]\x1b[0m\r\n`),
      resized: (cols, rows) => this.shown.resize(cols, rows),
      opened: () => {
        this.missing = false;
        this.say();
        if (this.holds) this.link.resize(this.shown.cols, this.shown.rows);
      },
      ended: () => { this.word.textContent = "It has ended."; },
      refused: (problem) => this.refuse(problem),
      closed: () => { this.word.textContent = this.missing ? "" : "The connection is lost; it is tried again."; },
    });
    this.say();
  }

  refuse(problem) {
    if (this.holds) this.hold(false);
    if (problem.code !== "session-not-found") return this.fail(problem);
    this.missing = true; // it may be about to begin
    if (this.live) return;
    this.link.close();
    this.word.textContent = "Nothing of it is recorded.";
    this.place.hidden = true;
  }

  say() {
    this.word.textContent = this.holds ? "What you type goes to the program." : "";
  }

  /** Take the keyboard, or give it back. */
  hold(wanted) {
    this.holds = wanted;
    this.attach.textContent = wanted ? "Detach" : "Attach";
    this.open();
    if (!wanted) return;
    this.fit.fit(); // the program is told when the connection is there
    this.shown.focus();
  }

  /** Whether there is something to type into. */
  may(live) {
    this.live = live;
    this.attach.hidden = !live;
    if (!live && this.holds) this.hold(false);
  }

  close() {
    this.link.close();
    this.shown.dispose();
  }
}
