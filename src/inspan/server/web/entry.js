// Where the next cell is written: Tab tells what could follow, Shift+Tab what is known of a name.

import * as api from "/web/api.js";
import { el } from "/web/draw.js";

/** So many of what could follow are shown at once; of more, how many there are. */
const SHOWN = 100;
const INDENT = "    ";

/** A place in `text` counted in characters, and back in what JavaScript counts. */
const characters = (text, at) => [...text.slice(0, at)].length;
const units = (text, at) => [...text].slice(0, at).join("").length;

export class Entry {
  /** For the session `id`; `run` is called with the code. */
  constructor(id, run, fail) {
    this.id = id;
    this.run = run;
    this.fail = fail;
    this.turn = 0; // of asking: what an older one brings is not wanted
    this.words = el("textarea", { rows: 3, className: "mono", "aria-label": "Code",
      "aria-autocomplete": "list", "aria-controls": "follows", placeholder: "Python; Ctrl+Enter runs it", spellcheck: false });
    this.list = el("ul", { id: "follows", role: "listbox", "aria-label": "What could follow", hidden: true });
    this.told = el("pre", { className: "told", role: "status", hidden: true });
    this.words.addEventListener("keydown", (event) => this.key(event));
    this.words.addEventListener("input", () => { this.forget(); this.grow(); });
    this.words.addEventListener("blur", () => this.forget());
    this.place = el("div", { className: "entry" }, this.words, this.list, this.told);
  }

  get code() { return this.words.value; }

  clear() {
    this.words.value = "";
    this.forget();
    this.grow();
  }

  /** As high as what is written, up to a third of the page. */
  grow() {
    const rows = this.words.value.split("\n").length;
    this.words.rows = Math.min(Math.max(3, rows + 1), 24);
  }

  key(event) {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey || event.shiftKey)) { event.preventDefault(); this.forget(); this.run(); return; }
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const act = this.list.hidden ? this.plain(event) : this.listed(event);
    if (!act) return;
    event.preventDefault();
    event.stopPropagation();
    act();
  }

  /** Who has written nothing goes on with Tab, as everywhere; Escape leaves, too. */
  plain(event) {
    if (event.key === "Escape") return () => { if (this.told.hidden) this.words.blur(); else this.forget(); };
    if (event.key !== "Tab" || !this.words.value) return null;
    if (event.shiftKey) return () => this.inspect();
    const { value, selectionStart: at, selectionEnd: end } = this.words;
    const line = value.slice(value.lastIndexOf("\n", at - 1) + 1, at);
    return at === end && line.trim() ? () => this.complete() : () => this.put(INDENT, at, end);
  }

  listed(event) {
    switch (event.key) {
      case "ArrowDown": return () => this.choose(this.at + 1);
      case "ArrowUp": return () => this.choose(this.at - 1);
      case "Enter": case "Tab": return () => this.take(this.matches[this.at]);
      case "Escape": return () => this.forget();
      default: return null;
    }
  }

  // ── what could follow ──────────────────────────────────────────────────────

  async asked(ask) {
    const turn = ++this.turn;
    const { value, selectionStart } = this.words;
    try {
      const told = await ask(this.id, value, characters(value, selectionStart));
      if (turn === this.turn && value === this.words.value) return told;
    } catch (problem) {
      this.fail(problem);
    }
    return null;
  }

  async complete() {
    const told = await this.asked(api.completeCode);
    if (!told) return;
    const { value } = this.words;
    this.from = units(value, told.start);
    this.until = units(value, told.end);
    this.matches = told.matches;
    if (!told.matches.length) return this.tell("Nothing that is known here follows.");
    if (told.matches.length === 1) return this.take(told.matches[0]);
    const common = shared(told.matches);
    if (common.length > this.until - this.from) {
      this.put(common, this.from, this.until);
      this.until = this.from + common.length;
    }
    this.show();
  }

  show() {
    const shown = this.matches.slice(0, SHOWN);
    const more = this.matches.length - shown.length;
    this.list.replaceChildren(...shown.map((match, at) => el("li", { id: `follow-${at}`, role: "option", "aria-selected": "false", className: "mono",
      // The field keeps the focus.
      onmousedown: (event) => { event.preventDefault(); this.take(match); } }, match)));
    if (more > 0) this.list.append(el("li", { className: "facts", role: "presentation" }, `${more} more; write on to see fewer`));
    this.told.hidden = true;
    this.list.hidden = false;
    this.choose(0);
  }

  choose(at) {
    const items = this.list.querySelectorAll("[role=option]");
    this.at = (at + items.length) % items.length;
    items.forEach((item, number) => item.setAttribute("aria-selected", String(number === this.at)));
    this.words.setAttribute("aria-activedescendant", `follow-${this.at}`);
    items[this.at].scrollIntoView({ block: "nearest" });
  }

  take(match) {
    this.put(match, this.from, this.until);
    this.forget();
  }

  /** By the browser's own hand where it has one, so that it can be undone. */
  put(text, from, until) {
    this.words.focus();
    this.words.setSelectionRange(from, until);
    if (!document.execCommand("insertText", false, text)) this.words.setRangeText(text, from, until, "end");
  }

  forget() {
    this.turn += 1;
    this.list.hidden = true;
    this.told.hidden = true;
    this.words.removeAttribute("aria-activedescendant");
  }

  // ── what is known of a name ────────────────────────────────────────────────

  async inspect() {
    const told = await this.asked(api.inspectCode);
    if (told) this.tell(told.data["text/plain"] || "Nothing is known of that.");
  }

  tell(text) {
    this.told.textContent = text;
    this.told.hidden = false;
  }
}

/** What all of `words` begin with. */
function shared(words) {
  let common = words[0];
  for (const word of words) while (!word.startsWith(common)) common = common.slice(0, -1);
  return common;
}
