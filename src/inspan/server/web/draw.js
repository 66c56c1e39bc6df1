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
  made.append(...children.flat().filter(there));
  return made;
}

const there = (child) => child !== null && child !== undefined && child !== "";

/** Have `room` hold these, of which those that are nothing are left out. */
export const fill = (room, ...children) => room.replaceChildren(...children.flat().filter(there));

/** Have `room` hold these in this order, and leave alone what is in its place. */
export function arrange(room, wanted) {
  let at = room.firstChild;
  for (const node of wanted) {
    if (node === at) at = at.nextSibling;
    else room.insertBefore(node, at);
  }
  while (at) {
    const gone = at;
    at = at.nextSibling;
    gone.remove();
  }
}

const SVG = "http://www.w3.org/2000/svg";

/** An element of a drawing, of attributes alone. */
export function svg(tag, props = {}, ...children) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(props)) {
    if (value !== undefined && value !== null) made.setAttribute(name, value);
  }
  made.append(...children.flat().filter(there));
  return made;
}

/** How much there was in each stretch, as a strip of bars; by its root, so that a little is seen. */
export function strip(amounts) {
  const most = Math.sqrt(Math.max(1, ...amounts));
  const bars = amounts.map((amount, at) => {
    const height = amount ? 0.12 + 0.88 * Math.sqrt(amount) / most : 0;
    return svg("rect", { x: at, y: 1 - height, width: 0.7, height });
  });
  return svg("svg", { viewBox: `0 0 ${amounts.length} 1`, preserveAspectRatio: "none" }, bars);
}

/** A moment in minutes and seconds. */
export function clock(seconds) {
  const whole = Math.floor(Math.max(0, seconds));
  const two = (number) => String(number).padStart(2, "0");
  const hours = Math.floor(whole / 3600);
  return `${hours ? `${hours}:${two(Math.floor(whole / 60) % 60)}` : Math.floor(whole / 60)}:${two(whole % 60)}`;
}

/** How long, in the largest unit that says enough. */
export function span(seconds) {
  const units = [[86400, "d"], [3600, "h"], [60, "m"]];
  for (const [size, unit] of units) if (seconds >= size) return `${Math.floor(seconds / size)}${unit}`;
  return `${Math.max(0, Math.floor(seconds))}s`;
}

/** How many of what. */
export const counted = (number, word) => `${number} ${word}${number === 1 ? "" : "s"}`;

/** An amount of bytes, in the largest unit that says enough. */
export function bytes(amount) {
  for (const [size, unit] of [[1 << 30, "GB"], [1 << 20, "MB"], [1 << 10, "kB"]]) if (amount >= size) return `${(amount / size).toFixed(1)} ${unit}`;
  return `${amount} B`;
}

/** Have `element` say that; where it does, nothing is touched. */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
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

export const isGoal = (task) => task.spec.kind === "goal" && task.spec.provider === "queen";

/** Whether a person is waited for: a question, a verdict that no goal's reviewer gives, or what was interrupted. */
export const needsYou = (task) =>
  task.state === "waiting" || task.state === "interrupted" || (awaitsVerdict(task) && !task.spec.labels?.goal);

export const awaitsVerdict = (task) => task.state === "processing" && task.spec.review === true;

/** What sets its workspace up, and since when; "" where nothing does. */
export function settingUp(task) {
  const step = task.state === "running" ? task.setup?.at(-1) : null;
  return step?.state === "runs" ? `setting up: ${step.command} (${ago(step.began_at)})` : "";
}

/** Whose output there is to look at: while its workspace is set up, or could not be, the last command of that. */
export function watched(task) {
  const done = new Set((task.setup ?? []).filter((step) => step.state === "done").map((step) => step.command));
  const due = (task.workspace?.setup ?? []).some((command) => !done.has(command));
  if (due) return task.setup?.at(-1)?.session ?? null;
  return task.session ? task.id : null;
}

/** A hint with the task that it is about in the place of ID, so that it can be typed. */
export const filled = (hint, task) => hint.replaceAll(" ID`", ` ${short(task.id)}\``).replaceAll(" ID ", ` ${short(task.id)} `);

/** One line on why a task is as it is. */
export function about(task) {
  if (task.state === "waiting" && task.needs) return task.needs.question.split("\n", 1)[0];
  if (awaitsVerdict(task)) return task.spec.labels?.goal ? "in review, for a goal" : "waits for your verdict";
  if (task.reason && !["completed", "succeeded"].includes(task.state)) return task.reason.message;
  if (settingUp(task)) return settingUp(task);
  if (isGoal(task)) return `goal, ${task.outcome?.message || (task.planned ? task.state : "being planned")}`;
  const provider = task.spec.provider || "shell";
  return provider === "shell" ? task.state : `${provider}, ${task.state}`;
}
