// A recording that is played: with a slider, at another speed, without the gaps in which nothing came.

import { Terminal } from "/web/xterm.js";
import * as api from "/web/api.js";
import { clock, el, strip, title } from "/web/draw.js";
import { Recording } from "/web/recording.js";
import { mute } from "/web/screen.js";

const SPEEDS = [0.5, 1, 2, 4, 8, 16];
/** Seconds without output that are left out, but for as much as shows that there was something. */
const IDLE = 2, REST = 0.5;
/** Parts that are held are no more than two; bytes that the terminal has not drawn, so many. */
const UNDRAWN = 1 << 20;
/** How often one that still grows is looked at, in milliseconds. */
const GROWS = 3000;
const BARS = 160;
const GROWING = "It still runs; what comes is added.";

/** Some time, before something is tried again. */
const pause = () => new Promise((done) => setTimeout(done, 1000 + Math.random() * 1000));

export class Replay {
  /** Of `task`, in `room`: the session that is named, or its newest; at `offset`, or the beginning. */
  constructor(room, task, session, offset, fail) {
    this.room = room;
    this.task = task;
    this.fail = fail;
    this.recording = new Recording(session ?? task.session);
    this.moment = 0;
    this.queue = [];
    this.next = 0;
    this.turn = 0; // of seeking: what an older one still brings is not wanted
    this.undrawn = 0;
    this.playing = false;
    this.speed = 1;
    this.draw();
    this.keys = (event) => this.key(event);
    document.addEventListener("keydown", this.keys, true);
    this.begin(offset).catch(fail);
  }

  close() {
    this.turn += 1;
    this.pause();
    clearInterval(this.growing);
    document.removeEventListener("keydown", this.keys, true);
    this.shown.dispose();
  }

  async begin(offset) {
    await this.recording.look();
    this.learn();
    if (!this.recording.ended) this.growing = setInterval(() => this.grow(), GROWS);
    await (offset === null ? this.seek(0) : this.seek(await this.recording.momentOf(offset), offset));
    if (offset === null) this.play();
  }

  async grow() {
    try {
      await this.recording.look();
      this.learn();
      if (this.recording.ended) clearInterval(this.growing);
    } catch (problem) {
      this.said.textContent = problem.message;
    }
  }

  // ── what is seen ───────────────────────────────────────────────────────────

  draw() {
    const { task, recording } = this;
    const button = (words, label, act) => el("button", { type: "button", title: label, "aria-label": label, onclick: act }, words);
    this.place = el("div", { className: "tty" });
    this.toggle = button("▶", "Play (space)", () => this.flip());
    this.slider = el("input", { type: "range", min: 0, max: 0, step: "any", value: 0, "aria-label": "Time", className: "time" });
    this.slider.addEventListener("input", () => this.drag());
    this.now = el("output", { className: "mono clock" }, clock(0));
    this.said = el("span", { className: "facts", role: "status" });
    this.bars = el("div", { className: "bars", "aria-hidden": "true" });
    this.rate = el("select", { "aria-label": "Speed", onchange: () => { this.speed = Number(this.rate.value); } },
      SPEEDS.map((speed) => el("option", { value: speed, selected: speed === 1 }, `${speed}×`)));
    this.idle = el("input", { type: "checkbox", checked: true });
    const attempts = el("select", { "aria-label": "Attempt", onchange: () => { location.hash = `#/task/${task.id}/replay/${attempts.value}`; } },
      Array.from({ length: Math.max(1, task.attempt ?? 1) }, (_, at) => {
        const session = `${task.id}-${at + 1}`;
        return el("option", { value: session, selected: session === recording.session }, `attempt ${at + 1}`);
      }));
    this.room.replaceChildren(
      el("h1", {}, title(task)),
      el("div", { className: "row" },
        el("a", { className: "button", href: `#/task/${task.id}` }, "Back to the task"),
        attempts.length > 1 ? attempts : null, this.said),
      this.place,
      el("div", { className: "player" }, this.toggle,
        el("div", { className: "track" }, this.bars, this.slider), this.now),
      el("div", { className: "row facts" }, this.rate, el("label", { className: "check" }, this.idle, " skip what is idle"),
        el("span", { className: "hint" }, "space plays · ← → 5 s · shift 60 s · < > speed · Home End")));
    this.shown = new Terminal({ cols: 80, rows: 24, scrollback: 2000, fontSize: 13, disableStdin: true, linkHandler: { activate() {} } });
    mute(this.shown);
    this.shown.open(this.place);
  }

  learn() {
    const { length, ended } = this.recording;
    this.slider.max = length;
    this.bars.replaceChildren(strip(this.recording.density(BARS)));
    if (ended && this.said.textContent === GROWING) this.said.textContent = "";
    else if (!ended && !this.said.textContent) this.said.textContent = GROWING;
    this.tell();
  }

  tell() {
    const { length } = this.recording;
    const moment = Math.min(this.moment, Math.max(length, this.moment));
    this.slider.value = moment;
    this.now.textContent = `${clock(moment)} / ${clock(length)}`;
    this.slider.setAttribute("aria-valuetext", `${clock(moment)} of ${clock(length)}`);
    this.toggle.textContent = this.playing ? "❚❚" : "▶";
  }

  // ── what is done ───────────────────────────────────────────────────────────

  flip() {
    if (this.playing) return this.pause();
    if (this.over) return this.seek(0).then(() => this.play()).catch(this.fail);
    return this.play();
  }

  play() {
    this.playing = true;
    this.last = performance.now();
    cancelAnimationFrame(this.frame);
    this.frame = requestAnimationFrame((now) => this.tick(now));
    this.tell();
  }

  pause() {
    this.playing = false;
    cancelAnimationFrame(this.frame);
    this.tell();
  }

  drag() {
    this.moment = Number(this.slider.value);
    this.tell();
    clearTimeout(this.dragging);
    this.dragging = setTimeout(() => this.seek(this.moment).catch(this.fail), 60);
  }

  jump(by) {
    const moment = Math.min(this.recording.length, Math.max(0, this.moment + by));
    this.moment = moment;
    this.tell();
    this.seek(moment).catch(this.fail);
  }

  faster(by) {
    const at = Math.min(SPEEDS.length - 1, Math.max(0, SPEEDS.indexOf(this.speed) + by));
    this.speed = SPEEDS[at];
    this.rate.value = String(this.speed);
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("dialog, select, textarea, input:not([type=range])")) return;
    const far = event.shiftKey ? 60 : 5;
    const act = {
      " ": () => this.flip(), ArrowLeft: () => this.jump(-far), ArrowRight: () => this.jump(far),
      Home: () => this.jump(-Infinity), End: () => this.jump(Infinity), "<": () => this.faster(-1), ">": () => this.faster(1),
    }[event.key];
    if (!act || (event.key === " " && event.target.closest("button, a, [type=checkbox]"))) return;
    event.preventDefault();
    event.stopPropagation();
    act();
  }

  // ── what is played ─────────────────────────────────────────────────────────

  /** Show the screen as it was at `moment`, or where `offset` bytes had come. */
  async seek(moment, offset) {
    const turn = ++this.turn;
    this.seeking = true;
    try {
      await this.reach(moment, offset, turn);
    } finally {
      if (turn === this.turn) this.seeking = false;
    }
  }

  async reach(moment, offset, turn) {
    const target = offset ?? await this.recording.offsetAt(moment);
    const lead = await this.recording.leadTo(target);
    if (turn !== this.turn) return;
    await this.show(lead, target, turn);
    if (turn !== this.turn) return;
    this.next = target;
    this.moment = moment;
    this.tell();
    await this.drawn();
    this.remark(lead.blind ? "What was drawn long before may be missing." : "");
    if (lead.far) this.readOn(target, lead.known, turn).catch(this.fail);
  }

  /** Have what was drawn before `target` read by the daemon, and then show it. */
  async readOn(target, known, turn) {
    for (let more = true; more;) {
      this.remark(`What was drawn before is read: ${Math.floor(100 * known / target)} %`);
      try {
        const frame = await this.recording.frame(target);
        more = frame.more;
        known = frame.offset;
      } catch (problem) {
        this.remark(`${problem.message}; it is tried again`);
        await pause();
      }
      if (turn !== this.turn) return;
    }
    await this.seek(this.moment, this.next === target && !this.queue.length ? target : undefined);
  }

  remark(words) {
    this.said.textContent = words || (this.recording.ended ? "" : GROWING);
  }

  async show(lead, target, turn) {
    if (turn !== this.turn) return;
    this.over = false;
    this.queue = [];
    this.loading = null;
    await this.drawn();
    this.shown.reset();
    this.shown.resize(lead.cols, lead.rows);
    if (lead.drawn) this.shown.write(lead.drawn);
    let at = lead.from;
    while (at < target) {
      const part = await this.recording.part(at, target);
      if (turn !== this.turn) return;
      // A recording that is entered in the middle is entered at a line's beginning, if one is near.
      if (at === lead.from && at > 0 && !lead.drawn && part.items[0]?.bytes) {
        const line = part.items[0].bytes.subarray(0, 4096).indexOf(10);
        part.items[0] = { ...part.items[0], bytes: part.items[0].bytes.subarray(line + 1) };
      }
      for (const item of part.items) await this.apply(item);
      if (part.next === null || turn !== this.turn) break;
      at = part.next;
    }
  }

  /** What is due by now is shown. */
  async tick(now) {
    if (!this.playing) return;
    const turn = this.turn;
    const passed = Math.min(0.25, (now - this.last) / 1000);
    this.last = now;
    if (this.seeking) {
      this.frame = requestAnimationFrame((later) => this.tick(later));
      return;
    }
    if (this.queue.length < 4 && !this.loading && this.next !== null) this.load();
    if (!this.queue.length) {
      if (!this.loading) await this.atEnd();
    } else if (this.undrawn < UNDRAWN) {
      const gap = this.queue[0].moment - this.moment;
      this.moment += this.idle.checked && gap > IDLE ? gap - REST : passed * this.speed;
      while (this.queue.length && this.queue[0].moment <= this.moment && this.undrawn < UNDRAWN) {
        await this.apply(this.queue.shift());
        if (turn !== this.turn) break;
      }
      // Time does not run ahead of what is loaded, or drawn.
      if (turn === this.turn && this.queue.length === 0 && this.loading) this.moment = Math.min(this.moment, this.reached ?? this.moment);
      this.tell();
    }
    if (this.playing) this.frame = requestAnimationFrame((later) => this.tick(later));
  }

  load() {
    const turn = this.turn;
    this.loading = this.recording.part(this.next).then((part) => {
      if (turn !== this.turn) return;
      this.queue.push(...part.items);
      this.reached = part.items.at(-1)?.moment ?? this.reached;
      this.next = part.next ?? (part.items.some((item) => item.end) ? null : part.reached);
      this.loading = part.next === null && !part.items.length ? this.later() : null;
    }).catch((problem) => {
      if (turn !== this.turn) return;
      this.said.textContent = `${problem.message}; it is tried again`;
      this.loading = this.later();
    });
  }

  /** Look again, for more or for a better connection. */
  later() {
    const turn = this.turn;
    return pause().then(() => { if (turn === this.turn) { this.loading = null; this.learn(); } });
  }

  async atEnd() {
    if (this.next !== null) return;
    this.over = true;
    this.moment = this.recording.length;
    this.pause();
  }

  async apply(item) {
    if (item.bytes) {
      this.undrawn += item.bytes.length;
      this.shown.write(item.bytes, () => { this.undrawn -= item.bytes.length; });
    } else if (item.gap) {
      this.shown.write(`\r\n\x1b[2m[${item.gap} bytes are not kept]\x1b[0m\r\n`);
    } else if (item.size) {
      await this.drawn();
      this.shown.resize(...item.size);
    }
    if (this.undrawn > UNDRAWN) await this.drawn();
  }

  /** Until all that was written is on the screen. */
  drawn() {
    return new Promise((done) => this.shown.write("", done));
  }
}
