// A question of the page's own, in a dialog: something to write, one of several, or only yes.

import { el } from "/web/draw.js";

/**
 * What somebody writes, or null where it is not done. `long`: several lines; `value` stands there
 * already; `words` is null where nothing is to be written, and "" is then yes.
 */
export function asks(title, { words = null, value = "", long = false, yes = "OK", about = "" } = {}) {
  const field = words === null ? null : el(long ? "textarea" : "input", { id: "asked", rows: 4, required: true, value, autocomplete: "off" });
  return told(title, about, yes, field && [el("label", { for: "asked" }, words), field], () => field?.value ?? "");
}

/** Which of `options` (`value`, `words`, `about`) is chosen, or null. */
export function chosen(title, about, options) {
  const made = options.map(({ value, words, about: more }, at) => el("label", { className: "choice" },
    el("input", { type: "radio", name: "chosen", value, checked: at === 0 }), el("span", { className: "mono" }, words), el("span", { className: "facts" }, more)));
  const list = el("div", { className: "choices" }, made);
  return told(title, about, title.split(" ", 1)[0], [list], () => list.querySelector("input:checked").value);
}

function told(title, about, yes, body, value) {
  const dialog = document.getElementById("asking");
  return new Promise((done) => {
    dialog.replaceChildren(el("form", { onsubmit: (event) => { event.preventDefault(); dialog.close("yes"); } },
      el("h1", { id: "asking-title" }, title),
      about ? el("p", {}, about) : null,
      ...(body ?? []),
      el("div", { className: "row" },
        el("button", { className: "first" }, yes),
        el("button", { type: "button", onclick: () => dialog.close("") }, "Back"))));
    dialog.returnValue = "";
    dialog.onclose = () => done(dialog.returnValue === "yes" ? value() : null);
    dialog.showModal();
    dialog.querySelector("input, textarea, button").focus();
  });
}
