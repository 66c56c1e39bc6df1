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
    throw new Problem(0, { message: "the daemon cannot be reached", hint: "This page tries again by itself." });
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
export const tasks = (before) =>
  ask("GET", `/v1/tasks?limit=200${before ? `&before=${encodeURIComponent(before)}` : ""}`);
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
export const submit = (spec, key) =>
  ask("POST", "/v1/tasks", spec, { headers: { "idempotency-key": key } });

export const times = (session, offset, until, most) =>
  ask("GET", ofSession(session, `/times${query({ offset, until, most })}`)).then((told) => ({ cols: 0, rows: 0, ...told }));
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

/**
 * Tells `on.heard` of each event of a code session, the past ones first; `on.linked` whether there
 * is a connection, `on.over` what ended it for good, or null. After a loss it goes on behind the
 * last that it saw. Gives back what ends it.
 */
export function followCode(session, on) {
  let since = 0;
  let over = false;
  let socket;
  const open = () => {
    socket = new WebSocket(socketAt("/v1/cells"));
    socket.onopen = () => socket.send(JSON.stringify({ follow: { session, since } }));
    socket.onmessage = ({ data }) => {
      for (const told of JSON.parse(data)) {
        if (told.fact) { since = told.seq; on.heard(told); }
        else if (told.following) on.linked(true);
        else if (told.refused) { over = true; on.over(told.refused); }
        else if ("over" in told) { over = told.over?.code !== "fell-behind"; if (over) on.over(told.over); else socket.close(); }
      }
      on.linked(true);
    };
    socket.onclose = () => {
      if (over) return;
      on.linked(false);
      setTimeout(() => over || open(), soon());
    };
  };
  open();
  return () => { over = true; socket.close(); };
}

// ── sockets ──────────────────────────────────────────────────────────────────

const socketAt = (path) => `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}${path}`;

/** Seconds until another try: five, and up to two more, so that many pages do not come at once. */
const soon = () => 5000 + Math.random() * 2000;

/**
 * Tells `heard` of each event, for ever. After a loss it goes on behind the last that it saw; `linked`
 * hears whether there is a connection, and whether all is to be asked for anew: nothing tells what
 * happened before it. Gives back what ends it.
 */
export function watch(heard, linked) {
  let seq = null;
  let over = false;
  let socket;
  const open = () => {
    socket = new WebSocket(socketAt(`/v1/events${seq === null ? "" : `?since=${seq}`}`));
    socket.onopen = () => linked(true, seq === null);
    socket.onmessage = (message) => {
      const event = JSON.parse(message.data);
      if (event.fact === undefined) return; // the problem with which it ends
      seq = event.seq;
      heard(event);
    };
    socket.onclose = () => {
      if (over) return;
      linked(false, false);
      setTimeout(() => over || open(), soon());
    };
  };
  open();
  return () => { over = true; socket.close(); };
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
  let over = false;
  let socket;
  const open = () => {
    socket = new WebSocket(socketAt(ofSession(id, `/terminal${query({ offset, writer })}`)));
    socket.binaryType = "arraybuffer";
    socket.onmessage = ({ data }) => {
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
        over = true;
        on.ended(chunk.end.how);
      } else if (chunk.refused) {
        on.refused(chunk.refused);
      }
    };
    socket.onclose = () => {
      if (over) return;
      on.closed();
      setTimeout(() => over || open(), soon());
    };
  };
  open();
  const say = (raw) => socket.readyState === WebSocket.OPEN && socket.send(raw);
  return {
    write: (bytes) => say(frame(INPUT, bytes)),
    resize: (cols, rows) => {
      const size = new Uint8Array(8);
      new DataView(size.buffer).setUint32(0, cols);
      new DataView(size.buffer).setUint32(4, rows);
      say(frame(RESIZE, size));
    },
    close: () => {
      over = true;
      socket.close();
      return offset;
    },
  };
}
