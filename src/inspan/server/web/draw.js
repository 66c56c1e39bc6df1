// Elements and words for values of the daemon's. Text is set as text alone, never as markup.

/** An element; `props` are its properties, `on…` its listeners, `data`/`aria-…` its attributes. */
export function el(tag, props = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (name.startsWith("aria-") || name === "role" || name === "for") made.setAttribute(name, value);
    else made[name] = value;
  }
  made.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== ""));
  return made;
}

/** How long, in the largest unit that says enough. */
export function span(seconds) {
  const units = [[86400, "d"], [3600, "h"], [60, "m"]];
  for (const [size, unit] of units) if (seconds >= size) return `${Math.floor(seconds / size)}${unit}`;
  return `${Math.max(0, Math.floor(seconds))}s`;
}

export const ago = (at) => span(Date.now() / 1000 - at);

/** What stands for a task in a list: its name, its prompt or its command. */
export function title(task) {
  const spec = task.spec;
  const words = spec.name || spec.prompt || (spec.command || []).join(" ");
  return words.split("\n", 1)[0] || task.id;
}

export const short = (id) => id.slice(-6);

export const OVER = new Set(["completed", "succeeded", "failed", "error", "cancelled"]);
export const LIVE = new Set(["running", "waiting"]);

/** Whether a person is waited for: a question, a verdict, or what was interrupted. */
export const needsYou = (task) =>
  task.state === "waiting" || task.state === "interrupted" || awaitsVerdict(task);

export const awaitsVerdict = (task) => task.state === "processing" && task.spec.review === true;

/** One line on why a task is as it is. */
export function about(task) {
  if (task.state === "waiting" && task.needs) return task.needs.question.split("\n", 1)[0];
  if (awaitsVerdict(task)) return "waits for your verdict";
  if (task.reason && !["completed", "succeeded"].includes(task.state)) return task.reason.message;
  const provider = task.spec.provider || "shell";
  return provider === "shell" ? task.state : `${provider}, ${task.state}`;
}
