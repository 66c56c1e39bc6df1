// What a cell has to show. Text is text; a picture is a picture; and a page of somebody else's is
// shown in a frame that may run nothing, ask for nothing and reach nothing of this page.

import { el } from "/web/draw.js";

/** Characters of one cell that are kept on the page. */
const TEXT = 200_000;
const ESCAPES = /\x1b(?:\[[0-?]*[ -/]*[@-~]|[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)?|[ -/]*[0-~])/g;
const ALONE = "<!doctype html><meta charset=utf-8><meta http-equiv=Content-Security-Policy content=\"default-src 'none'; style-src 'unsafe-inline'; img-src data:\"><meta name=color-scheme content=\"light dark\"><style>td,th{padding:.15rem .6rem;text-align:start;border-bottom:1px solid #8884}table{border-collapse:collapse}</style><body style=\"font:14px system-ui;margin:.25rem\">";

export class Output {
  constructor() {
    this.place = el("div", { className: "out" });
    this.named = new Map(); // what can be shown anew, by its name
    this.clears = false;
  }

  print(text, stream, dropped) {
    this.fresh();
    if (dropped) this.place.append(el("p", { className: "facts" }, `[${dropped} bytes are not kept]`));
    let last = this.place.lastElementChild;
    if (!last || last.dataset.stream !== stream) {
      last = el("pre", { className: stream === "stderr" ? "err" : "" });
      last.dataset.stream = stream;
      this.place.append(last);
    }
    last.textContent = drawn((last.textContent + text.replace(ESCAPES, "")).slice(-TEXT));
  }

  show({ data, display_id: name, update }) {
    this.fresh();
    const made = rich(data);
    if (name && update && this.named.has(name)) this.named.get(name).replaceWith(made);
    else this.place.append(made);
    if (name) this.named.set(name, made);
  }

  clear(wait) {
    if (wait) this.clears = true;
    else this.place.replaceChildren();
  }

  fresh() {
    if (this.clears) this.place.replaceChildren();
    this.clears = false;
  }

  end({ repr, data = {}, error }) {
    if (Object.keys(data).some((kind) => kind !== "text/plain")) this.place.append(rich(data));
    else if (repr !== null && repr !== undefined) this.place.append(el("pre", { className: "value" }, repr));
    if (!error) return;
    const told = error.traceback?.length ? error.traceback.join("\n") : `${error.name}: ${error.message}`;
    this.place.append(el("pre", { className: "err" }, told.replace(ESCAPES, "")));
  }
}

/** Text of which a line that was written anew is there once, as a terminal shows it. */
function drawn(text) {
  return text.includes("\r") ? text.replace(/\r+\n/g, "\n").replace(/[^\n]*\r(?=[^\n])/g, "") : text;
}

const whole = (value) => (Array.isArray(value) ? value.join("") : typeof value === "string" ? value : JSON.stringify(value, null, 2));

/** The richest of `data` that can be shown. */
function rich(data) {
  const words = data["text/plain"] ? whole(data["text/plain"]) : "";
  for (const kind of ["image/png", "image/jpeg", "image/gif", "image/webp"]) {
    if (data[kind]) return el("img", { src: `data:${kind};base64,${whole(data[kind]).replace(/\s/g, "")}`, alt: words || "a picture" });
  }
  // As a picture it runs no scripts and loads nothing.
  if (data["image/svg+xml"]) return el("img", { src: `data:image/svg+xml,${encodeURIComponent(whole(data["image/svg+xml"]))}`, alt: words || "a drawing" });
  if (data["text/html"]) return framed(whole(data["text/html"]), words);
  const kind = Object.keys(data).find((one) => one !== "text/plain");
  return el("pre", { className: "value" }, words || (kind ? whole(data[kind]) : ""));
}

function framed(markup, words) {
  const frame = document.createElement("iframe");
  frame.setAttribute("sandbox", "");
  frame.setAttribute("referrerpolicy", "no-referrer");
  frame.setAttribute("loading", "lazy");
  frame.title = words || "what the cell shows";
  frame.srcdoc = ALONE + markup;
  return frame;
}
