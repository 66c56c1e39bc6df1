// How much inspan does and what that takes: lines over time, each with its axis, and as a table.

import * as api from "/web/api.js";
import { el, fill, span, svg } from "/web/draw.js";

const EVERY = 2000;
/** Seconds that can be looked back on. */
const BACK = [[600, "10 minutes"], [3600, "an hour"], [86400, "a day"], [604800, "a week"]];
const POINTS = 240;
const WIDTH = 330, HEIGHT = 112, LEFT = 44, RIGHT = 6, TOP = 8, BOTTOM = 18;
const MB = 1 << 20;

/** The least that is drawn of time, in seconds, where there is no more yet. */
const LEAST = 60;

const plain = (value) => String(Number(value.toFixed(value >= 100 ? 0 : value >= 10 ? 1 : 2)));
const mega = (bytes) => `${plain(bytes < 10 * MB ? bytes / MB : Math.round(bytes / MB))} MB`;
const seconds = (value) => (value < 1 ? `${plain(value * 1000)} ms` : value < 100 ? `${plain(value)} s` : span(value));
const share = (value) => `${plain(value * 100)} %`;

/** Title, how a value is written, and the lines: their words and what of a sample they show. */
const CHARTS = [
  ["Tasks ended, per second", plain, [["ended", (it) => it.tasks_per_second ?? 0]]],
  ["Tasks", plain, [["at work", (it) => it.concurrent ?? 0], ["in the queue", (it) => it.queued ?? 0]]],
  ["How long tasks take", seconds, [["half ≤", (it) => it.durations?.p50], ["95 % ≤", (it) => it.durations?.p95]]],
  ["Lateness of the event loop", seconds, [["half ≤", (it) => it.loop_lag?.p50], ["95 % ≤", (it) => it.loop_lag?.p95]]],
  ["Memory", mega, [["daemon", (it) => it.daemon?.rss_bytes], ["keeper", (it) => it.keeper?.rss_bytes], ["sessions", (it) => used(it, "rss_bytes")]]],
  ["Processor", share, [["daemon", (it) => it.daemon?.cpu], ["keeper", (it) => it.keeper?.cpu], ["sessions", (it) => used(it, "cpu")]]],
  ["Database, operations per second", plain, [["operations", (it) => it.operations_per_second ?? 0]]],
  ["Until a change is on the disk", seconds, [["half ≤", (it) => it.commits?.p50], ["95 % ≤", (it) => it.commits?.p95]]],
];

const used = (sample, what) => (sample.sessions ?? []).reduce((sum, one) => sum + (one[what] ?? 0), 0);

export class Charts {
  constructor(room, fail) {
    this.fail = fail;
    this.back = BACK[0][0];
    this.said = el("span", { className: "facts", role: "status" });
    this.now = el("div", { className: "facts" });
    this.place = el("div", { className: "charts" });
    const back = el("select", { "aria-label": "How far back", onchange: () => { this.back = Number(back.value); this.draw(); } },
      BACK.map(([value, words]) => el("option", { value }, words)));
    room.replaceChildren(el("h1", {}, "Load"), el("div", { className: "row" }, back, this.said), this.now, this.place);
    this.charts = CHARTS.map((chart) => new Chart(...chart));
    this.place.replaceChildren(...this.charts.map((chart) => chart.place));
    this.draw();
    this.timer = setInterval(() => document.hidden || this.draw(), EVERY);
  }

  close() {
    clearInterval(this.timer);
    this.closed = true;
  }

  async draw() {
    if (this.asking) return;
    this.asking = true;
    try {
      const told = await api.metrics(Date.now() / 1000 - this.back, POINTS);
      if (this.closed) return;
      this.said.textContent = "";
      this.tell(told.now);
      for (const chart of this.charts) chart.draw(told.samples ?? [], this.back);
    } catch (problem) {
      this.said.textContent = `${problem.message}; it is tried again`;
    } finally {
      this.asking = false;
    }
  }

  tell(now) {
    fill(this.now,
      el("span", {}, `${now.concurrent ?? 0} at work`), el("span", {}, `${now.queued ?? 0} in the queue`),
      now.oldest_queued_seconds ? el("span", {}, `the oldest waits ${span(now.oldest_queued_seconds)}`) : null,
      el("span", {}, `${now.needs_you ?? 0} need you`), el("span", {}, `${now.sessions_alive ?? 0} sessions`));
  }
}

class Chart {
  constructor(words, written, lines) {
    this.written = written;
    this.lines = lines;
    this.words = words;
    this.drawing = svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", tabindex: 0 });
    this.told = lines.map(() => el("b", {}));
    this.when = el("time", {});
    // The height stays as it is whatever is told, so that nothing moves away from under a click.
    this.legend = el("div", { className: "legend" }, lines.map(([name], at) =>
      el("span", { className: `key line${at}` }, `${name} `, this.told[at])));
    this.rows = el("tbody");
    this.place = el("figure", {},
      el("figcaption", {}, el("strong", {}, words), this.when, this.legend),
      this.drawing,
      el("details", { ontoggle: () => this.list() }, el("summary", {}, "As a table"),
        el("table", {}, el("thead", {}, el("tr", {}, el("th", {}, "at"), lines.map(([name]) => el("th", {}, name)))), this.rows)));
    this.drawing.addEventListener("pointermove", (event) => this.point(this.sampleAt(event)));
    this.drawing.addEventListener("pointerleave", () => this.point(null));
    this.drawing.addEventListener("blur", () => this.point(null));
    this.drawing.addEventListener("keydown", (event) => this.step(event));
    this.samples = [];
  }

  draw(samples, back) {
    const end = samples.at(-1)?.at ?? Date.now() / 1000;
    back = Math.min(back, Math.max(LEAST, end - (samples[0]?.at ?? end)));
    const begin = end - back;
    const had = this.at === undefined || this.at === null ? null : this.samples[this.at]?.at;
    this.samples = samples;
    this.x = (at) => LEFT + (WIDTH - LEFT - RIGHT) * (at - begin) / back;
    const values = this.lines.map(([, value]) => samples.map((one) => value(one) ?? null));
    const top = ceiling(Math.max(0, ...values.flat().filter((one) => one !== null)), this.written);
    this.y = (value) => HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * value / top;
    this.values = values;
    const axis = [0, top / 2, top].map((value) => [
      svg("line", { x1: LEFT, x2: WIDTH - RIGHT, y1: this.y(value), y2: this.y(value), class: "grid" }),
      svg("text", { x: LEFT - 5, y: this.y(value) + 3.5, class: "axis end" }, this.written(value))]);
    const times = [[begin, "start"], [begin + back / 2, "middle"], [end, "end"]].map(([at, place]) =>
      svg("text", { x: this.x(at), y: HEIGHT - 4, class: `axis ${place}` }, place === "end" ? "now" : `−${span(end - at)}`));
    const paths = values.flatMap((line, number) => [
      svg("path", { class: `line line${number}`, d: this.path(line) }),
      svg("path", { class: `line dots line${number}`, d: this.dots(line) })]);
    this.cursor = svg("g", { class: "cursor" });
    this.drawing.replaceChildren(...axis.flat(), ...times, ...paths, this.cursor);
    const newest = this.lines.map(([name], at) => `${name} ${this.last(values[at])}`).join(", ");
    this.drawing.setAttribute("aria-label", `${this.words}, now: ${newest}. The arrow keys tell of other times.`);
    this.point(had === null ? null : samples.findIndex((one) => one.at === had));
    this.list();
  }

  last(line) {
    const value = line.at(-1);
    return value === null || value === undefined ? "none" : this.written(value);
  }

  spot(at, value) {
    return `${this.x(this.samples[at].at).toFixed(1)} ${this.y(value).toFixed(1)}`;
  }

  /** A line through what there is; nothing is drawn where nothing was measured. */
  path(line) {
    return line.map((value, at) => (value === null ? "" : `${at && line[at - 1] !== null ? "L" : "M"}${this.spot(at, value)}`)).join("");
  }

  /** What stands alone, and would be no line. */
  dots(line) {
    const alone = (at) => (line[at - 1] ?? null) === null && (line[at + 1] ?? null) === null;
    return line.map((value, at) => (value !== null && alone(at) ? `M${this.spot(at, value)}h.01` : "")).join("");
  }

  sampleAt(event) {
    const box = this.drawing.getBoundingClientRect();
    const x = (event.clientX - box.left) * WIDTH / box.width;
    let best = null;
    this.samples.forEach((one, at) => {
      if (best === null || Math.abs(this.x(one.at) - x) < Math.abs(this.x(this.samples[best].at) - x)) best = at;
    });
    return best;
  }

  step(event) {
    const last = this.samples.length - 1;
    const at = { ArrowLeft: (this.at ?? last + 1) - 1, ArrowRight: (this.at ?? last) + 1, Home: 0, End: last }[event.key];
    if (at === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    this.legend.setAttribute("aria-live", "polite");
    this.point(Math.max(0, Math.min(last, at)));
  }

  /** Tell the values of one sample; of none, those of now. */
  point(at) {
    this.at = at !== null && at >= 0 && at < this.samples.length ? at : null;
    const shown = this.at ?? this.samples.length - 1;
    const one = this.samples[shown];
    if (!one || !this.cursor) return;
    this.values.forEach((line, number) => { this.told[number].textContent = line[shown] === null ? "–" : this.written(line[shown]); });
    this.when.textContent = this.at === null ? "now" : new Date(one.at * 1000).toLocaleTimeString();
    this.cursor.replaceChildren(...(this.at === null ? [] : [
      svg("line", { x1: this.x(one.at), x2: this.x(one.at), y1: TOP, y2: HEIGHT - BOTTOM }),
      ...this.values.map((line, number) => (line[shown] === null ? null : svg("circle", { class: `line${number}`, cx: this.x(one.at), cy: this.y(line[shown]), r: 2.5 }))).filter(Boolean)]));
  }

  /** The same as rows, as long as somebody looks at them. */
  list() {
    if (!this.place.querySelector("details").open) return this.rows.replaceChildren();
    const every = Math.max(1, Math.ceil(this.samples.length / 20));
    this.rows.replaceChildren(...this.samples.map((one, at) => [one, at]).filter(([, at]) => (this.samples.length - 1 - at) % every === 0).reverse().map(([one, at]) =>
      el("tr", {}, el("td", {}, new Date(one.at * 1000).toLocaleTimeString()),
        this.values.map((line) => el("td", {}, line[at] === null ? "–" : this.written(line[at]))))));
    return undefined;
  }
}

/** A round number above `value`, in the unit in which it is written. */
function ceiling(value, written) {
  const unit = written === mega ? MB : written === share ? 0.01 : written === seconds ? 0.001 : 1;
  if (value <= 0) return written === mega ? MB : written === share ? 0.1 : written === seconds ? 0.01 : 1;
  const least = value / unit;
  const ten = 10 ** Math.floor(Math.log10(least));
  return unit * ten * [1, 2, 4, 5, 10].find((step) => step * ten >= least);
}
