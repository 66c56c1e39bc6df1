// Text that tasks printed: where it is, with what stands around it. A line leads to its replay.

import * as api from "/web/api.js";
import { ago, counted, el, title } from "/web/draw.js";

const PAGE = 50;
/** So many lines are looked for before somebody has to ask for more. */
const ENOUGH = 100;

export class Search {
  /** In `room`, for `text`, in one `task` or in all; `known` gives a task by its id. */
  constructor(room, text, task, known, fail) {
    this.known = known;
    this.fail = fail;
    this.task = task || null;
    this.words = el("input", { type: "search", value: text, placeholder: "Text that was printed", "aria-label": "Text", autocomplete: "off", spellcheck: false });
    this.exact = el("input", { type: "checkbox", onchange: () => this.begin() });
    this.said = el("p", { className: "facts", role: "status" });
    this.found = el("div");
    this.on = el("button", { type: "button", hidden: true, onclick: () => this.go(ENOUGH) }, "Search on");
    const form = el("form", { className: "ask", role: "search", onsubmit: (event) => { event.preventDefault(); this.begin(); } },
      this.words, el("button", { className: "first" }, "Search"),
      el("label", { className: "check", style: "margin:0" }, this.exact, " case matters"),
      this.task ? el("a", { className: "button", href: `#/search/${encodeURIComponent(text)}` }, "in all tasks") : null);
    this.head = el("h1", {}, this.task ? "Search in one task" : "Search in what was printed");
    room.replaceChildren(this.head, form, this.said, this.found, this.on);
    if (this.task) known(this.task).then((one) => { this.head.textContent = `Search in ${title(one)}`; }).catch(fail);
    this.words.focus();
    if (text) this.begin();
  }

  close() {
    this.asking?.abort();
  }

  begin() {
    this.close();
    const text = this.words.value;
    this.found.replaceChildren();
    this.groups = new Map();
    this.count = 0;
    this.after = null;
    this.on.hidden = true;
    this.said.textContent = "";
    // The address names what is searched for, so that who comes back from a replay finds it again.
    history.replaceState(null, "", `#/search/${encodeURIComponent(text)}${this.task ? `/${this.task}` : ""}`);
    if (text.trim()) this.go(ENOUGH);
  }

  /** Look for `most` more lines, page by page: a page may be empty though others follow. */
  async go(most) {
    const asking = this.asking = new AbortController();
    const text = this.words.value;
    this.on.hidden = true;
    const enough = this.count + most;
    try {
      do {
        this.said.textContent = this.count ? `${this.lines()}; searching on …` : "searching …";
        const wanted = { text, task: this.task, case: this.exact.checked, after: this.after, limit: PAGE };
        const page = await api.search(wanted, asking.signal);
        for (const hit of page.hits) await this.add(hit, text);
        if (asking.signal.aborted) return;
        this.after = page.next ?? null;
      } while (this.after && this.count < enough);
      this.said.textContent = this.count || this.after ? `${this.lines()}${this.after ? " so far" : ""}` : "Nothing that was printed holds that.";
      this.on.hidden = !this.after;
    } catch (problem) {
      if (problem.name === "AbortError") return;
      this.said.textContent = `${this.lines()}; ${problem.message}`;
      this.on.hidden = false;
    }
  }

  lines() {
    return `${counted(this.count, "line")} in ${counted(this.groups.size, "recording")}`;
  }

  async add(hit, text) {
    const id = hit.session.slice(0, 26);
    let group = this.groups.get(hit.session);
    if (!group) {
      group = el("ul", { className: "hits" });
      this.groups.set(hit.session, group);
      const task = await this.known(id).catch(() => null);
      const attempt = Number(hit.session.split("-")[1]);
      this.found.append(el("h3", {}, task ? title(task) : id, attempt > 1 ? `, attempt ${attempt}` : "", ` · ${ago(hit.at)} ago`), group);
    }
    this.count += 1;
    const at = new Date(hit.at * 1000);
    group.append(el("li", {}, el("a", { href: `#/task/${id}/replay/${hit.session}/${hit.offset}` },
      el("time", { dateTime: at.toISOString(), title: at.toLocaleString() }, at.toLocaleTimeString()),
      hit.before ? el("span", { className: "mono near" }, hit.before) : null,
      el("span", { className: "mono" }, marked(hit.line, text, this.exact.checked)),
      hit.after ? el("span", { className: "mono near" }, hit.after) : null)));
  }
}

/** `line` with what was searched for marked, as often as it is there. */
function marked(line, text, exact) {
  const where = exact ? line : line.toLowerCase();
  const wanted = exact ? text : text.toLowerCase();
  if (where.length !== line.length) return [line]; // letters that change their length by their case
  const parts = [];
  let from = 0;
  for (let at = where.indexOf(wanted); at >= 0; at = where.indexOf(wanted, from)) {
    parts.push(line.slice(from, at), el("mark", {}, line.slice(at, at + wanted.length)));
    from = at + wanted.length;
  }
  return [...parts, line.slice(from)];
}
