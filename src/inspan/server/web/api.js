// What the daemon is asked, and how it tells what happens. It knows no element of the page.

/** An error as the daemon words it (RFC 9457), with its hint. */
export class Problem extends Error {
  constructor(status, told) {
    super(told.message || `the daemon answered ${status}`);
    this.status = status;
    this.code = told.code || "";
    this.hint = told.hint || "";
  }
}

async function ask(method, path, body, options = {}) {
  let reply;
  try {
    reply = await fetch(path, {
      method,
      body: body === undefined ? undefined : options.raw ? body : JSON.stringify(body),
      headers: options.headers || {},
      credentials: "same-origin",
    });
  } catch {
    throw new Problem(0, { message: "the daemon cannot be reached", hint: "This page tries again by itself." });
  }
  if (!reply.ok) throw new Problem(reply.status, await reply.json().catch(() => ({})));
  const kind = reply.headers.get("content-type") || "";
  return kind.startsWith("application/json") ? reply.json() : reply.text();
}

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

/** A key that no other page makes. */
export const newKey = () => crypto.getRandomValues(new Uint32Array(4)).join("-");

const socketAt = (path) => `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}${path}`;

/** Seconds until another try: five, and up to two more, so that many pages do not come at once. */
const soon = () => 5000 + Math.random() * 2000;

/**
 * Tells `heard` of each event, for ever. After a loss it goes on behind the last that it saw; `linked`
 * hears whether there is a connection, and whether all is to be asked for anew: nothing tells what
 * happened before it.
 */
export function watch(heard, linked) {
  let seq = null;
  const open = () => {
    const socket = new WebSocket(socketAt(`/v1/events${seq === null ? "" : `?since=${seq}`}`));
    socket.onopen = () => linked(true, seq === null);
    socket.onmessage = (message) => {
      const event = JSON.parse(message.data);
      if (event.fact === undefined) return; // the problem with which it ends
      seq = event.seq;
      heard(event);
    };
    socket.onclose = () => {
      linked(false, false);
      setTimeout(open, soon());
    };
  };
  open();
}

const INPUT = 0x69, RESIZE = 0x73; // i, s
const OUTPUT = 0x6f, STDERR = 0x65, GAP = 0x67, RESIZED = 0x72, ENDED = 0x78, ACK = 0x6b, FAILED = 0x66;

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
    const where = `/v1/sessions/${encodeURIComponent(encodeURIComponent(id))}/terminal`;
    socket = new WebSocket(socketAt(`${where}?offset=${offset}${writer ? "&writer=true" : ""}`));
    socket.binaryType = "arraybuffer";
    socket.onmessage = ({ data }) => {
      const view = new DataView(data);
      const opcode = view.getUint8(0);
      const number = Number(view.getBigUint64(1));
      const payload = new Uint8Array(data, 9);
      const words = () => JSON.parse(new TextDecoder().decode(payload));
      if (opcode === OUTPUT || opcode === STDERR) {
        offset = number + payload.length;
        on.output(payload);
      } else if (opcode === GAP) {
        const end = Number(new DataView(data, 9).getBigUint64(0));
        on.gap(end - number);
        offset = end;
      } else if (opcode === RESIZED) {
        const size = new DataView(data, 9);
        on.resized(size.getUint32(0), size.getUint32(4));
      } else if (opcode === ENDED) {
        over = true;
        on.ended(words());
      } else if (opcode === ACK && payload.length) {
        on.refused(words());
      } else if (opcode === FAILED) {
        on.refused(words());
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
