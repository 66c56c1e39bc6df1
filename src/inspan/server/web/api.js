// What the daemon is asked, and how it tells what happens. It knows no element of the page.

/** An error as the daemon words it (RFC 9457), with its hint. */
export class Problem extends Error {
  constructor(status, told) {
    super(told.detail || `the daemon answered ${status}`);
    this.status = status;
    this.code = told.code || "";
    this.hint = told.hint || "";
  }
}

async function ask(method, path, body, options = {}) {
  const reply = await asked(method, path, body, options);
  const kind = reply.headers.get("content-type") || "";
  return kind.startsWith("application/json") ? reply.json() : reply.text();
}

async function asked(method, path, body, options) {
  let reply;
  try {
    reply = await fetch(path, {
      method,
      body: body === undefined ? undefined : options.raw ? body : JSON.stringify(body),
      headers: options.headers || {},
      credentials: "same-origin",
      signal: options.signal,
    });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem(0, { detail: "the daemon cannot be reached", hint: "This page tries again by itself." });
  }
  if (!reply.ok) throw new Problem(reply.status, await reply.json().catch(() => ({})));
  return reply;
}

/** A query string of what is neither undefined, null nor false. */
const query = (given) => {
  const pairs = Object.entries(given).filter(([, value]) => value !== undefined && value !== null && value !== false && value !== "");
  return pairs.length ? `?${new URLSearchParams(pairs)}` : "";
};
const ofSession = (id, rest) => `/v1/sessions/${encodeURIComponent(encodeURIComponent(id))}${rest}`;
const at = (id, rest = "") => `/v1/tasks/${encodeURIComponent(encodeURIComponent(id))}${rest}`;

export const enter = (code) => ask("POST", "/v1/login", { code });
export const leave = () => ask("POST", "/v1/logout", {});
export const health = () => ask("GET", "/v1/health");
export const tasks = ({ states, before, limit = 200 }) =>
  ask("GET", `/v1/tasks${query({ states: states?.join(","), before, limit })}`);
export const task = (id) => ask("GET", at(id));
export const diff = (id) => ask("GET", at(id, "/diff"));
export const activity = (id) => ask("GET", at(id, "/activity"));
export const answer = (id, text, question) => ask("POST", at(id, "/answer"), { text, question });
export const interrupt = (id) => ask("POST", at(id, "/interrupt"), { reason: "asked on the page" });
export const resume = (id) => ask("POST", at(id, "/resume"), {});
export const cancel = (id) => ask("POST", at(id, "/cancel"), { reason: "asked on the page" });
export const decide = (id, verdict, findings = []) =>
  ask("POST", at(id, "/decide"), { verdict, findings });
export const prompt = (id, text, key) => ask("POST", at(id, "/prompt"), { text, key });
export const goal = (id) => ask("GET", at(id, "/goal"));
export const replan = (id, plan, version) => ask("PUT", at(id, "/plan"), { plan, version });
export const submit = (spec, key) =>
  ask("POST", "/v1/tasks?base=true", spec, { headers: { "idempotency-key": key } });

export const times = (session, offset, until, most) =>
  ask("GET", ofSession(session, `/times${query({ offset, until, most })}`)).then((told) => ({ cols: 0, rows: 0, ...told }));
export const frameAt = (session, offset) => ask("GET", ofSession(session, `/frame${query({ offset })}`));
export const search = (wanted, signal) => ask("GET", `/v1/search${query(wanted)}`, undefined, { signal });

export const metrics = (since, limit) => ask("GET", `/v1/metrics${query({ since, limit })}`);

/** What is recorded from `offset` on, as chunks: `offset` and one of `bytes`, `gap`, `size`, `end`. */
export async function output(session, offset, limit) {
  const headers = { accept: "application/vnd.inspan.frames" };
  const reply = await asked("GET", ofSession(session, `/output${query({ offset, limit })}`), undefined, { headers });
  const body = await reply.arrayBuffer();
  const view = new DataView(body);
  const chunks = [];
  for (let place = 0; place < body.byteLength;) {
    const length = view.getUint32(place);
    chunks.push(opened(body, place + 4, length));
    place += 4 + length;
  }
  return chunks;
}

/** A key that no other page makes. */
export const newKey = () => crypto.getRandomValues(new Uint32Array(4)).join("-");

// ── code sessions ────────────────────────────────────────────────────────────

const ofCode = (id, rest = "") => `/v1/code/${encodeURIComponent(encodeURIComponent(id))}${rest}`;

export const codes = () => ask("GET", `/v1/code${query({ ended: true })}`).then((told) => told.sessions);
export const openCode = (spec, key) => ask("POST", "/v1/code", spec, { headers: { "idempotency-key": key } });
export const closeCode = (id) => ask("POST", ofCode(id, "/close"), {});
export const runCell = (id, code) => ask("POST", ofCode(id, "/cells"), { code });
export const giveLine = (id, request, text) => ask("POST", ofCode(id, "/answer"), { request, text });
export const interruptCell = (id) => ask("POST", ofCode(id, "/interrupt"), {});
export const completeCode = (id, code, cursor) => ask("POST", ofCode(id, "/complete"), { code, cursor });
export const inspectCode = (id, code, cursor) => ask("POST", ofCode(id, "/inspect"), { code, cursor });
export const checkpoint = (id, name) => ask("POST", ofCode(id, "/checkpoint"), { name });
export const checkpoints = (id) => ask("GET", ofCode(id, "/checkpoints")).then((told) => told.checkpoints);
export const restore = (id, name) => ask("POST", ofCode(id, "/restore"), { name });

/**
 * Tells `on.heard` of each event of a code session behind `since`; `on.linked` whether there
 * is a connection, `on.over` what ended it for good, or null. After a loss it goes on behind the
 * last that it saw. Gives back what ends it.
 */
export function followCode(session, since, on) {
  const link = new Lasting(() => "/v1/cells", {
    opened: (socket) => socket.send(JSON.stringify({ follow: { session, since } })),
    heard: (data) => {
      on.linked(true);
      for (const told of JSON.parse(data)) {
        if (told.fact) { since = told.seq; on.heard(told); }
        else if ((told.over ?? told.refused)?.code === "fell-behind") link.lose();
        else if (told.refused || "over" in told) { link.close(); on.over(told.refused ?? told.over); }
      }
    },
    lost: () => on.linked(false),
  });
  return () => link.close();
}

// ── sockets ──────────────────────────────────────────────────────────────────

const socketAt = (path) => `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}${path}`;

/** Milliseconds until another try: five seconds and up to two more, so that many pages do not come at once. */
const soon = () => 5000 + Math.random() * 2000;
/** A connection that says nothing for so long is asked after, and given up without an answer. */
const QUIET = 20_000, ANSWER = 10_000, LOOK = 5_000;

const sockets = new Set();

/**
 * A WebSocket that is opened anew whenever it is lost, until `close`; `path()` says where, each time.
 * `on` has opened(socket), heard(data) and lost(). A browser that is offline is told so at once, and
 * one that is back does not wait.
 */
class Lasting {
  constructor(path, on) {
    this.path = path;
    this.on = on;
    sockets.add(this);
    this.open();
  }

  open() {
    clearTimeout(this.timer);
    const socket = this.socket = new WebSocket(socketAt(this.path()));
    socket.binaryType = "arraybuffer";
    this.heard = Date.now();
    const mine = (act) => (event) => { if (this.socket === socket) { this.heard = Date.now(); act(event); } };
    socket.onopen = mine(() => this.on.opened(socket));
    socket.onmessage = mine(({ data }) => this.on.heard(data));
    socket.onclose = mine(() => this.lose());
  }

  /** Without it from now on, and with another one soon. */
  lose() {
    const socket = this.socket;
    this.socket = null; // what it may still say counts no more
    socket?.close();
    clearTimeout(this.timer);
    if (!sockets.has(this)) return;
    this.on.lost();
    this.timer = setTimeout(() => this.open(), soon());
  }

  send(raw) {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(raw);
  }

  close() {
    sockets.delete(this);
    clearTimeout(this.timer);
    this.socket?.close();
    this.socket = null;
  }
}

window.addEventListener("offline", () => { for (const one of sockets) one.lose(); });
window.addEventListener("online", () => { for (const one of sockets) if (!one.socket) one.open(); });
/** A connection may be gone without a word: after a sleep, or in a tunnel. */
setInterval(async () => {
  const quiet = [...sockets].filter((one) => one.socket && Date.now() - one.heard > QUIET);
  if (!quiet.length) return;
  try {
    await ask("GET", "/v1/health", undefined, { signal: AbortSignal.timeout(ANSWER) });
    for (const one of quiet) one.heard = Date.now();
  } catch {
    for (const one of quiet) one.lose();
  }
}, LOOK);

/**
 * Tells `heard` of each event, for ever. After a loss it goes on behind the last that it saw; `linked`
 * hears whether there is a connection, and whether all is to be asked for anew: nothing tells what
 * happened before it. Gives back what ends it.
 */
export function watch(heard, linked) {
  let seq = null;
  const link = new Lasting(() => `/v1/events${query({ since: seq })}`, {
    opened: () => linked(true, seq === null),
    heard: (data) => {
      const event = JSON.parse(data);
      if (event.fact === undefined) return; // the problem with which it ends
      seq = event.seq;
      heard(event);
    },
    lost: () => linked(false, false),
  });
  return () => link.close();
}

const INPUT = 0x69, RESIZE = 0x73; // i, s
const OUTPUT = 0x6f, STDERR = 0x65, GAP = 0x67, RESIZED = 0x72, ENDED = 0x78, ACK = 0x6b, FAILED = 0x66;

/** A frame of `length` bytes at `place`: `offset`, and what it says. */
function opened(buffer, place, length) {
  const view = new DataView(buffer, place, length);
  const opcode = view.getUint8(0);
  const offset = Number(view.getBigUint64(1));
  const payload = new Uint8Array(buffer, place + 9, length - 9);
  const words = () => JSON.parse(new TextDecoder().decode(payload));
  switch (opcode) {
    case OUTPUT: case STDERR: return { offset, bytes: payload };
    case GAP: return { offset, gap: Number(view.getBigUint64(9)) - offset };
    case RESIZED: return { offset, size: [view.getUint32(9), view.getUint32(13)] };
    case ENDED: return { offset, end: { how: words() } };
    case ACK: return payload.length ? { offset, refused: words() } : { offset };
    case FAILED: return { offset, refused: words() };
    default: return { offset };
  }
}

function frame(opcode, payload) {
  const raw = new Uint8Array(9 + payload.length);
  raw[0] = opcode;
  raw.set(payload, 9);
  return raw;
}

/**
 * A terminal from a byte on. `on` has output(bytes), gap(bytes), resized(cols, rows), ended(how),
 * refused(problem) and closed(). Gives back write, resize, and close, which says where to go on.
 */
export function terminal(id, offset, writer, on) {
  const link = new Lasting(() => ofSession(id, `/terminal${query({ offset, writer })}`), {
    opened: () => on.opened?.(),
    heard: (data) => {
      const chunk = opened(data, 0, data.byteLength);
      if (chunk.bytes) {
        offset = chunk.offset + chunk.bytes.length;
        on.output(chunk.bytes);
      } else if (chunk.gap) {
        offset = chunk.offset + chunk.gap;
        on.gap(chunk.gap);
      } else if (chunk.size) {
        on.resized(...chunk.size);
      } else if (chunk.end) {
        link.close();
        on.ended(chunk.end.how);
      } else if (chunk.refused) {
        on.refused(new Problem(chunk.refused.status, chunk.refused));
      }
    },
    lost: () => on.closed(),
  });
  return {
    write: (bytes) => link.send(frame(INPUT, bytes)),
    resize: (cols, rows) => {
      const size = new Uint8Array(8);
      new DataView(size.buffer).setUint32(0, cols);
      new DataView(size.buffer).setUint32(4, rows);
      link.send(frame(RESIZE, size));
    },
    close: () => {
      link.close();
      return offset;
    },
  };
}
