// A recording, read a part at a time: its bytes with the times at which they came. No element of
// the page is known here, and no more than a few parts are held, however long the recording is.

import * as api from "/web/api.js";

/** Bytes of one part. */
export const PART = 256 * 1024;
/** As much is played before a point whose frame is not there, or not yet: its screen may then lack something. */
const LEAD = 512 * 1024;
const MARKS = 2000;

/** The last of `marks` that is not behind what is wanted, by one of their fields; -1: none. */
function before(marks, field, wanted) {
  let low = 0, high = marks.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (marks[middle][field] <= wanted) low = middle + 1; else high = middle;
  }
  return low - 1;
}

export class Recording {
  constructor(session) {
    this.session = session;
    this.size = 0;
    this.began = 0;
    this.length = 0; // seconds
    this.ended = false;
    this.marks = [];
  }

  /** Learn how long it is by now. */
  async look() {
    const told = await api.times(this.session, 0, null, MARKS);
    this.size = told.size;
    this.began = told.began;
    this.length = Math.max(0, told.until - told.began);
    this.ended = told.ended;
    this.marks = told.marks;
    return this;
  }

  /** The moment, in seconds, at which the byte at `offset` came. */
  async momentOf(offset) {
    const told = await api.times(this.session, offset, offset, 2);
    return Math.max(0, (told.marks[0]?.at ?? this.began) - this.began);
  }

  /** How much was printed until `moment`. */
  async offsetAt(moment) {
    const at = this.began + moment;
    if (moment >= this.length) return this.size;
    const found = before(this.marks, "at", at);
    if (found < 0) return 0;
    const from = this.marks[found].offset;
    const until = this.marks[found + 1]?.offset ?? this.size;
    if (until <= from) return from;
    const fine = (await api.times(this.session, from, until, MARKS)).marks;
    return fine[before(fine, "at", at) + 1]?.offset ?? until;
  }

  /**
   * Where to begin so that at `offset` the screen is right: what is `drawn` there, and in which size.
   * `far`: it has to be read first, as far as it is `known`; `blind`: nothing here can tell it. Until
   * then, or else, some of what came before is played.
   */
  async leadTo(offset) {
    const frame = offset ? await this.frame(offset) : null;
    if (frame && (!frame.more || offset - frame.offset <= LEAD)) return { ...frame, from: frame.offset };
    const from = Math.max(0, offset - LEAD);
    const { cols, rows } = await api.times(this.session, from, from, 2);
    return { from, cols: cols || 80, rows: rows || 24, drawn: "", far: Boolean(frame), known: frame?.offset ?? 0, blind: from > 0 && !frame };
  }

  /** The frame at `offset`, or null where the daemon has nothing that can tell it. */
  async frame(offset) {
    if (this.blind) return null;
    try {
      return await api.frameAt(this.session, offset);
    } catch (problem) {
      if (problem.code !== "unable") throw problem;
      this.blind = true;
      return null;
    }
  }

  /**
   * A part from `offset` on, up to `until` where that is nearer: items with `moment` and one of
   * `bytes`, `size`, `gap` and `end`, and where the next part begins; `null` where nothing follows.
   */
  async part(offset, until = Infinity) {
    const limit = Math.max(1, Math.min(PART, until - offset));
    const chunks = await api.output(this.session, offset, limit);
    let next = offset;
    for (const chunk of chunks) {
      if (chunk.bytes) next = chunk.offset + chunk.bytes.length;
      if (chunk.gap) next = chunk.offset + chunk.gap;
    }
    const { marks } = await api.times(this.session, offset, Math.max(next, offset), MARKS);
    const items = [];
    for (const chunk of chunks) {
      if (!chunk.bytes) {
        items.push({ ...chunk, moment: this.momentIn(marks, chunk.offset) });
        continue;
      }
      let from = 0;
      while (from < chunk.bytes.length) {
        const at = before(marks, "offset", chunk.offset + from);
        const end = Math.min(chunk.bytes.length, (marks[at + 1]?.offset ?? Infinity) - chunk.offset);
        items.push({ moment: this.momentIn(marks, chunk.offset + from), offset: chunk.offset + from, bytes: chunk.bytes.subarray(from, end) });
        from = end;
      }
    }
    const over = chunks.some((chunk) => chunk.end) || next === offset;
    return { items, next: over ? null : next, reached: next };
  }

  momentIn(marks, offset) {
    const at = before(marks, "offset", offset);
    return Math.max(0, (marks[at]?.at ?? this.began) - this.began);
  }

  /** How much was printed in each of `count` equal stretches of time. */
  density(count) {
    const bars = new Array(count).fill(0);
    for (let at = 0; at + 1 < this.marks.length; at += 1) {
      const place = this.length ? (this.marks[at].at - this.began) / this.length : 0;
      bars[Math.min(count - 1, Math.floor(place * count))] += this.marks[at + 1].offset - this.marks[at].offset;
    }
    return bars;
  }
}
