/**
 * Calls the routes of medblocks-bff: an ES module without a build step. By default, it calls the page's origin.
 *
 * Failed calls throw a `MedblocksError`, whose message can be shown to a patient. Aborted calls throw the
 * signal's reason.
 *
 * @typedef {import("./medblocks-bff.d.ts").Patient} Patient
 * @typedef {import("./medblocks-bff.d.ts").PatientDetail} PatientDetail
 * @typedef {import("./medblocks-bff.d.ts").Connection} Connection
 * @typedef {import("./medblocks-bff.d.ts").ConnectedFacility} ConnectedFacility
 * @typedef {import("./medblocks-bff.d.ts").FacilityPage} FacilityPage
 * @typedef {import("./medblocks-bff.d.ts").NewPatient} NewPatient
 * @typedef {import("./medblocks-bff.d.ts").NewPatientSession} NewPatientSession
 * @typedef {import("./medblocks-bff.d.ts").StartedSession} StartedSession
 * @typedef {import("./medblocks-bff.d.ts").PatientSession} PatientSession
 * @typedef {import("./medblocks-bff.d.ts").Return} Return
 */

/** The messages of this module's own errors, by language and code. That of `<html lang>` is chosen, else English. */
export const messages = {
  en: {
    network_error: "We can't reach the server. Check your internet connection, and try again.",
    unreadable_answer: "Something went wrong on our side. Please try again in a few minutes.",
    not_found: "There is nothing with this id.",
  },
  es: {
    network_error: "No podemos acceder al servidor. Compruebe su conexión a internet e inténtelo de nuevo.",
    unreadable_answer: "Algo salió mal por nuestra parte. Inténtelo de nuevo en unos minutos.",
    not_found: "No hay nada con este id.",
  },
};

const ENDED = ["complete", "expired"];
const SETTLED = ["active", "failed", "expired", "refresh_failed", "disconnected"];
const RETURN = "patient_id patient_session_id success connection_id error error_description state".split(" ");
const MIN_PAUSE = 1000; // milliseconds
const MAX_PAUSE = 20000;
const TRIES = 5;
const config = { baseUrl: "", headers: () => ({}) };

/**
 * Set the origin of the server if it is not the page's own, and the headers of each call, such as a bearer token.
 * @param {import("./medblocks-bff.d.ts").Configuration} configuration
 */
export function configure({ baseUrl = "", headers = () => ({}) }) {
  Object.assign(config, { baseUrl: baseUrl.replace(/\/+$/, ""), headers });
}

/** A failed call: a message for the patient, and the other fields of the server's error envelope. */
export class MedblocksError extends Error {
  /**
   * @param {string} message
   * @param {string} code the server's code, or this module's `network_error` or `unreadable_answer`
   * @param {number} status the HTTP status; 0 without a response
   * @param {{param?: string | null, requestId?: string | null, retryAfter?: number, cause?: unknown}} [details]
   */
  constructor(message, code, status, details) {
    super(message);
    const defaults = { param: null, requestId: null, retryAfter: 0 };
    Object.assign(this, { name: "MedblocksError", code, status }, defaults, details);
  }
}

/**
 * Create a patient exactly once: the same call from the same browser returns the same patient.
 * @param {NewPatient} values
 * @param {{signal?: AbortSignal, idempotencyKey?: string}} [options]
 * @returns {Promise<Patient>}
 */
export function createPatient(values, { signal, idempotencyKey } = {}) {
  return request("patients", signal, values, idempotencyKey && { "Idempotency-Key": idempotencyKey });
}

/**
 * Read a patient with all connections, including failed attempts.
 * @param {string} patientId
 * @param {{signal?: AbortSignal}} [options]
 * @returns {Promise<PatientDetail>}
 */
export async function getPatient(patientId, { signal } = {}) {
  return request(`patients/${encode(patientId)}`, signal);
}

/**
 * List a patient's connections, or with `hydrate` the connected facilities, without failed attempts.
 * @overload
 * @param {string} patientId
 * @param {{hydrate: true, signal?: AbortSignal}} options
 * @returns {Promise<ConnectedFacility[]>}
 *
 * @overload
 * @param {string} patientId
 * @param {{hydrate?: false, signal?: AbortSignal}} [options]
 * @returns {Promise<Connection[]>}
 *
 * @param {string} patientId
 * @param {{hydrate?: boolean, signal?: AbortSignal}} [options]
 */
export async function getConnections(patientId, { hydrate = false, signal } = {}) {
  return (await request(`patients/${encode(patientId)}/connections?hydrate=${hydrate}`, signal)).data;
}

/**
 * Search the catalog of facilities, 20 per page. Queries under two characters find nothing.
 * @param {string} q
 * @param {{startingAfter?: string | null, signal?: AbortSignal}} [options] `startingAfter` is the previous page's `next_cursor`
 * @returns {Promise<FacilityPage>}
 */
export function searchConnections(q, { startingAfter, signal } = {}) {
  const query = new URLSearchParams({ q, ...(startingAfter && { starting_after: startingAfter }) });
  return request(`connections?${query}`, signal);
}

/**
 * Start a patient session. Send the browser to its `url`.
 * @param {NewPatientSession} values
 * @param {{signal?: AbortSignal}} [options]
 * @returns {Promise<StartedSession>}
 */
export function startPatientSession(values, { signal } = {}) {
  return request("patient-sessions", signal, values);
}

/**
 * Read a patient session that this browser has started.
 * @param {string} sessionId
 * @param {{signal?: AbortSignal}} [options]
 * @returns {Promise<PatientSession>}
 */
export async function getPatientSession(sessionId, { signal } = {}) {
  return request(`patient-sessions/${encode(sessionId)}`, signal);
}

/**
 * Yield a patient session now and after each change, until its connections have settled. Polling backs off,
 * pauses while the page is hidden, and continues after a few failures.
 * @param {string} sessionId
 * @param {{signal?: AbortSignal}} [options]
 * @returns {AsyncGenerator<PatientSession, void, void>}
 */
export async function* followPatientSession(sessionId, { signal } = {}) {
  let last;
  let failures = 0;
  for (let wait = MIN_PAUSE; ; wait = Math.min(wait * 1.5, MAX_PAUSE)) {
    const session = await getPatientSession(sessionId, { signal }).catch((error) => {
      const { status, retryAfter } = error;
      const isTemporary = status === 0 || status === 429 || status >= 500;
      if (!isTemporary || ++failures === TRIES) throw error;
      wait = Math.max(wait, retryAfter * 1000);
    });
    if (session) {
      failures = 0;
      const state = JSON.stringify([session.status, session.connections]);
      if (state !== last) {
        last = state;
        wait = MIN_PAUSE;
        yield session;
      }
      if (isSettled(session)) return;
    }
    await pause(wait, signal);
  }
}

/**
 * Parse the parameters that Medblocks adds to the return URL. They prove nothing: read the session.
 * @param {string | URL | Location} [url] this page's URL by default
 * @returns {Return}
 */
export function parseReturn(url = location) {
  const { searchParams } = new URL(`${url}`, "http://localhost");
  const hints = Object.fromEntries(RETURN.map((name) => [name, searchParams.get(name)]));
  const success = hints.success === null ? null : hints.success === "true";
  return /** @type {Return} */ ({ ...hints, success });
}

async function request(path, signal, values, more) {
  const body = values && JSON.stringify(values);
  const json = body && { "Content-Type": "application/json" };
  const headers = { ...(await config.headers()), ...json, ...more };
  const method = body ? "POST" : "GET";
  let response, reply;
  try {
    // Same-origin calls have the cookie in any case. Of other origins, the server accepts only those that it trusts.
    response = await fetch(`${config.baseUrl}/api/${path}`, { method, body, headers, signal, credentials: "include" });
    reply = await response.json();
  } catch (cause) {
    if (signal?.aborted) throw cause;
    // A proxy in front of the server may respond with HTML.
    if (!(cause instanceof SyntaxError)) throw failure("network_error", 0, { cause });
  }
  if (response.ok && reply instanceof Object) return reply;
  const { message, code = "unreadable_answer", param = null, request_id } = reply?.error ?? {};
  const requestId = request_id ?? response.headers.get("X-Request-Id");
  const retryAfter = Number(response.headers.get("Retry-After")) || 0;
  throw failure(code, response.status, { param, requestId, retryAfter }, message);
}

function failure(code, status, details, message) {
  const lang = globalThis.document?.documentElement.lang ?? "en"; // Node has no document
  const texts = messages[lang] ?? messages[lang.split("-")[0]] ?? messages.en;
  return new MedblocksError(message ?? texts[code] ?? texts.unreadable_answer, code, status, details);
}

/** Encode a path segment. Browsers resolve "." and ".." even when encoded, and would call another route. */
function encode(id) {
  if (/^\.{0,2}$/.test(id)) throw failure("not_found", 404);
  return encodeURIComponent(id);
}

function isSettled({ status, connections }) {
  return ENDED.includes(status) && connections.every((connection) => SETTLED.includes(connection.status));
}

async function pause(milliseconds, signal) {
  await until(signal, (done) => setTimeout(done, milliseconds));
  while (globalThis.document?.hidden) {
    await until(signal, (done) => document.addEventListener("visibilitychange", done, { once: true }));
  }
}

/**
 * Wait until `listen` calls its argument. Throw the signal's reason if it aborts first.
 * @returns {Promise<void>}
 */
function until(signal, listen) {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    signal?.throwIfAborted();
    signal?.addEventListener("abort", abort, { once: true });
    listen(() => {
      signal?.removeEventListener("abort", abort);
      resolve();
    });
  });
}
