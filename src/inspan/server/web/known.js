// The tasks that are known here, by what they need: read a page of each group, so that what needs
// somebody is there however many tasks are newer, and kept true by what happens. It draws nothing.

import * as api from "/web/api.js";
import { needsYou, OVER } from "/web/draw.js";

/** In their order; a task is in the first that it belongs to. One that is processed may be in two. */
export const GROUPS = [
  { name: "Needs you", className: "needs", states: ["waiting", "interrupted"], belongs: needsYou },
  { name: "Working", states: ["running", "processing"], belongs: (task) => ["running", "processing"].includes(task.state) },
  { name: "Queued", states: ["pending", "queued"], belongs: (task) => ["pending", "queued"].includes(task.state) },
  { name: "Done", states: [...OVER], belongs: (task) => OVER.has(task.state) },
];
/** Milliseconds in which what happens is gathered, and so many tasks of it are asked for one by one. */
const GATHER = 50, ONE_BY_ONE = 20;

export class Known {
  /** `changed` is called with the ids of the tasks that may be otherwise; with none: any may be. */
  constructor(changed, fail) {
    this.tasks = new Map();
    this.current = null; // the id of the one that is looked at, which is known however old it is
    this.counts = {};
    this.older = new Map(); // by group: where its next page begins
    this.changed = changed;
    this.fail = fail;
    this.heard = new Set();
    this.reading = null;
  }

  /** Read all that fills the list; whoever asks meanwhile is given the same. */
  read() {
    this.reading ??= this.readAll().finally(() => { this.reading = null; });
    return this.reading;
  }

  async readAll() {
    const before = this.tasks, start = Math.max(0, ...[...before.values()].map((task) => task.seq));
    const pages = await Promise.all(GROUPS.map((group) => api.tasks({ states: group.states })));
    this.tasks = new Map();
    pages.forEach((page, number) => this.take(GROUPS[number], page));
    // What was told while these pages were read is newer than they are.
    for (const task of before.values()) if (task.seq > start) this.hold(task);
    if (before.has(this.current) && !this.tasks.has(this.current)) await this.anew(this.current);
    this.changed();
  }

  /** The next page of a group. */
  async more(group) {
    const before = this.older.get(group);
    if (!before) return;
    const page = await api.tasks({ states: group.states, before });
    if (this.older.get(group) === before) this.take(group, page);
    this.changed();
  }

  take(group, page) {
    page.tasks.forEach((task) => this.hold(task));
    if (page.next) this.older.set(group, page.next); else this.older.delete(group);
    this.counts = page.counts;
  }

  hold(task) {
    if (!(this.tasks.get(task.id)?.seq > task.seq)) this.tasks.set(task.id, task);
  }

  /** A task by its id, from here where it is here. */
  async get(id) {
    if (!this.tasks.has(id)) this.hold(await api.task(id));
    return this.tasks.get(id);
  }

  /** Something happened to a task. For many events at once it is asked once what became of it. */
  happened(id) {
    if (!this.heard.size) setTimeout(() => this.ask().catch(this.fail), GATHER);
    this.heard.add(id);
  }

  async ask() {
    const ids = [...this.heard];
    this.heard.clear();
    if (ids.length > ONE_BY_ONE) {
      await this.reading; // it may have begun before this happened
      return this.read();
    }
    const [told] = await Promise.all([api.tasks({ limit: 1 }), ...ids.map((id) => this.anew(id))]);
    this.counts = told.counts;
    this.changed(...ids);
  }

  async anew(id) {
    try {
      this.hold(await api.task(id));
    } catch (problem) {
      if (problem.status !== 404) throw problem;
      this.tasks.delete(id);
    }
  }

  /** How many tasks a group has, of which `shown` are known here. */
  number(group, shown) {
    if (!this.older.has(group)) return shown;
    return Math.max(shown, group.states.reduce((sum, state) => sum + (this.counts[state] ?? 0), 0));
  }
}
