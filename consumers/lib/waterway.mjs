// Consumers of waterway in JavaScript: one file without dependencies, for Node 18 and later.
//
//     import { run } from "./waterway.mjs";
//     run((event) => event.text.toUpperCase());
//
// The function gets each event (docs/events.md) and returns its actions, or a promise of them: an
// array of actions, one of them, or a string, bytes or an object. Those are sent to the client, are
// the response of a request, or the answer of a task. Nothing is no action. An async generator may
// yield such values one after another. A `ConsumerError` is for the client; any other error goes to
// the log, and the client learns only that the consumer failed.
//
// `console.log` and the others write to the service's log.

import { readFileSync, writeSync } from "node:fs";
import { dirname } from "node:path";

/** An error for the client: a code for programs, and a message for people. */
export class ConsumerError extends Error {
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}

const encode = (bytes) => Buffer.from(bytes).toString("base64");

/** The content of an action: a string, bytes, or a value as JSON. */
export function body(content) {
  if (typeof content === "string") return { text: content };
  if (content instanceof Uint8Array) return { bytes: encode(content) };
  return { json: content };
}

export const accept = (subprotocol) => ({ accept: subprotocol ? { subprotocol } : {} });
export const deny = (status = 403) => ({ deny: { status } });
export const send = (content) => ({ send: body(content) });
export const close = (code = 1000, reason = "") => ({ close: { code, reason } });
export const respond = (content, { status = 200, headers = {} } = {}) => ({
  respond: { status, headers, ...(content === undefined ? {} : body(content)) },
});
export const groupAdd = (group) => ({ group_add: { group } });
export const groupDiscard = (group) => ({ group_discard: { group } });
export const groupSend = (group, content, { except = [] } = {}) => ({
  group_send: { group, except, ...body(content) },
});
export const push = (queue, fields = {}) => ({ push: { queue, ...fields } });
export const cancel = (queue, uuid) => ({ cancel: { queue, uuid } });
export const progress = (fields) => ({ progress: fields });
export const answer = (content) => ({ answer: body(content) });
export const answerFile = (file) => ({ answer: { file } });
export const state = (value) => ({ state: value });
export const log = (message, level = "info") => ({ log: { level, message } });

/** Acts on a client, outside of its events. */
export const toClient = (client, ...actions) => write({ client, actions });
/** Acts on the members of a group. */
export const toGroup = (group, ...actions) => write({ group, actions });

const ACTIONS = new Set(
  ("accept deny send close respond group_add group_discard group_send push cancel progress answer " +
    "state log").split(" "),
);

/** An event: its fields, and these shortcuts. */
class Event {
  #cancelled = new AbortController();

  constructor(fields) {
    Object.assign(this, fields);
    if (this.bytes !== undefined || this.file !== undefined) {
      // The content as a text.
      Object.defineProperty(this, "text", { get: () => this.content.toString() });
    }
  }

  /** The content as bytes, also if it is in a file. */
  get content() {
    if (this.file !== undefined) return readFileSync(this.file);
    if (this.bytes !== undefined) return Buffer.from(this.bytes, "base64");
    return Buffer.from(this.text ?? "");
  }

  /** The content as JSON. */
  get json() {
    return JSON.parse(this.content.toString());
  }

  /** The event's folder, if it has one. The file of an answer must lie there. */
  get folder() {
    return this.file === undefined ? undefined : dirname(this.file);
  }

  /** Tells that the event is no longer wanted. */
  get signal() {
    return this.#cancelled.signal;
  }

  cancel() {
    this.#cancelled.abort();
  }
}

/** Gives each event to the function, until the service closes the input. */
export function run(consumer) {
  // Printed text goes to the log, and not between the lines for the service.
  globalThis.console = new console.Console(process.stderr);
  const active = new Map();
  let rest = "";
  process.stdin.setEncoding("utf8");
  process.stdin.on("data", (read) => {
    const lines = (rest + read).split("\n");
    rest = lines.pop();
    for (const line of lines) {
      if (line.trim() === "") continue;
      const fields = JSON.parse(line);
      if (fields.cancel !== undefined) active.get(fields.cancel)?.cancel();
      else if (fields.id !== undefined) work(consumer, new Event(fields), active);
    }
  });
  write({ ready: true });
}

async function work(consumer, event, active) {
  const { id } = event;
  active.set(id, event);
  try {
    let result = consumer(event);
    if (typeof result?.[Symbol.asyncIterator] === "function") {
      for await (const part of result) {
        if (event.signal.aborted) break;
        write({ id, more: true, actions: actionsOf(part, event) });
      }
      result = undefined;
    }
    write({ id, actions: actionsOf(await result, event) });
  } catch (error) {
    if (error instanceof ConsumerError) {
      write({ id, error: { code: error.code, message: error.message } });
    } else {
      console.error(error);
      write({ id, error: { code: "failed", message: "the consumer failed" } });
    }
  } finally {
    active.delete(id);
  }
}

/** What a function has returned, as an array of actions. */
function actionsOf(result, event) {
  if (result === undefined || result === null) return [];
  if (Array.isArray(result)) return result;
  const keys = typeof result === "object" ? Object.keys(result) : [];
  if (keys.length === 1 && ACTIONS.has(keys[0])) return [result];
  const act = { "http.request": respond, task: answer }[event.channel] ?? send;
  return [act(result)];
}

let waiting = "";

/** Writes a line, together with others that are written in the same turn. */
function write(line) {
  if (waiting === "") queueMicrotask(flush);
  waiting += JSON.stringify(line) + "\n";
}

function flush() {
  const data = Buffer.from(waiting);
  waiting = "";
  let written = 0;
  while (written < data.length) {
    try {
      written += writeSync(1, data, written);
    } catch (error) {
      // The service has not read the last lines yet.
      if (error.code !== "EAGAIN") throw error;
    }
  }
}
