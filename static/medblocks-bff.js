/**
 * Calls the routes of medblocks-bff from a page of the same origin: an ES module without a build step.
 *
 * Every failure is thrown as a `MedblocksError`, whose message is fit to show to a patient. What the
 * caller itself aborts is thrown as its signal's reason.
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

const UNREACHABLE = "We can't reach the server. Check your connection, and try again.";
const UNREADABLE = "Something went wrong on our side. Please try again in a few minutes.";
const NO_SUCH_ID = "There is nothing with this id.";

const OVER = ["complete", "expired"];
const SETTLED = ["active", "failed", "expired", "refresh_failed", "disconnected"];
const RETURNED = "patient_id patient_session_id success connection_id error error_description state".split(" ");
const FIRST_PAUSE = 1000; // milliseconds
const LONGEST_PAUSE = 20000;
const TRIES = 5;

/** What went wrong: a sentence for the patient, and the rest of the server's error envelope. */
export class MedblocksError extends Error {
  /**
   * @param {string} message
   * @param {string} code for programs; `network_error` and `unreadable_answer` are this module's own
   * @param {number} status 0 when there was no answer
   * @param {{param?: string | null, requestId?: string | null, retryAfter?: number, cause?: unknown}} [details]
   */
  constructor(message, code, status, details) {
    super(message);
    const none = { param: null, requestId: null, retryAfter: 0 };
    Object.assign(this, { name: "MedblocksError", code, status }, none, details);
  }
}

/**
 * Create a patient, exactly once: a browser that repeats this gets its patient again.
 * @param {NewPatient} values
 * @param {{signal?: AbortSignal, idempotencyKey?: string}} [options]
 * @returns {Promise<Patient>}
 */
export function createPatient(values, { signal, idempotencyKey } = {}) {
  return request("patients", signal, values, idempotencyKey && { "Idempotency-Key": idempotencyKey });
}

/**
 * Read a patient with all connections, failed attempts included.
 * @param {string} patientId
 * @param {{signal?: AbortSignal}} [options]
 * @returns {Promise<PatientDetail>}
 */
export async function getPatient(patientId, { signal } = {}) {
  return request(`patients/${segment(patientId)}`, signal);
}

/**
 * List a patient's connections; hydrated, the connected facilities, failed attempts left out.
 * @param {string} patientId
 * @param {{hydrate?: boolean, signal?: AbortSignal}} [options]
 * @returns {Promise<(Connection | ConnectedFacility)[]>}
 */
export async function getConnections(patientId, { hydrate = false, signal } = {}) {
  return (await request(`patients/${segment(patientId)}/connections?hydrate=${hydrate}`, signal)).data;
}

/**
 * Search the catalog of facilities, 20 at a time; under two characters nothing is searched.
 * @param {string} q
 * @param {{startingAfter?: string | null, signal?: AbortSignal}} [options] the `next_cursor` of the page before
 * @returns {Promise<FacilityPage>}
 */
export function searchConnections(q, { startingAfter, signal } = {}) {
  const query = new URLSearchParams({ q, ...(startingAfter && { starting_after: startingAfter }) });
  return request(`connections?${query}`, signal);
}

/**
 * Start a patient session: send the browser to its `url`.
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
  return request(`patient-sessions/${segment(sessionId)}`, signal);
}

/**
 * Follow a patient session: gives it now, after each change, and for the last time when its connections
 * have settled. It asks less and less often, not at all while the page is hidden, and goes on after a few failures.
 * @param {string} sessionId
 * @param {{signal?: AbortSignal}} [options]
 * @returns {AsyncGenerator<PatientSession, void, void>}
 */
export async function* followPatientSession(sessionId, { signal } = {}) {
  let seen;
  let failures = 0;
  for (let wait = FIRST_PAUSE; ; wait = Math.min(wait * 1.5, LONGEST_PAUSE)) {
    const session = await getPatientSession(sessionId, { signal }).catch((error) => {
      failures += 1;
      if (!isPassing(error) || failures === TRIES) throw error;
      wait = Math.max(wait, error.retryAfter * 1000);
    });
    if (session) {
      failures = 0;
      const state = JSON.stringify([session.status, session.connections]);
      if (state !== seen) {
        seen = state;
        wait = FIRST_PAUSE;
        yield session;
      }
      if (isSettled(session)) return;
    }
    await pause(wait, signal);
  }
}

/**
 * Read what Medblocks has added to the address of the return page. It is a hint: the truth is in the session.
 * @param {string | URL | Location} [url] by default the address of this page
 * @returns {Return}
 */
export function parseReturn(url = location) {
  const { searchParams } = new URL(`${url}`, "http://localhost");
  const told = Object.fromEntries(RETURNED.map((name) => [name, searchParams.get(name)]));
  const success = told.success === null ? null : told.success === "true";
  return /** @type {Return} */ ({ ...told, success });
}

async function request(path, signal, values, headers) {
  const body = values && JSON.stringify(values);
  const options = body && { method: "POST", body, headers: { "Content-Type": "application/json", ...headers } };
  let response, text;
  try {
    response = await fetch(`/api/${path}`, { signal, ...options });
    text = await response.text();
  } catch (cause) {
    if (signal?.aborted) throw cause;
    throw new MedblocksError(UNREACHABLE, "network_error", 0, { cause });
  }
  const answer = parsed(text);
  if (response.ok && answer) return answer;
  const { message, code, param, request_id } = answer?.error ?? {};
  throw new MedblocksError(message ?? UNREADABLE, code ?? "unreadable_answer", response.status, {
    param: param ?? null,
    requestId: request_id ?? response.headers.get("X-Request-Id"),
    retryAfter: Number(response.headers.get("Retry-After")) || 0,
  });
}

/** Whatever stands before the server may answer with something else than JSON. */
function parsed(text) {
  try {
    const answer = JSON.parse(text);
    return typeof answer === "object" && answer;
  } catch {}
}

/** Browsers take "." and ".." for steps in a path even when they are encoded: another route would answer. */
function segment(id) {
  if (/^\.{0,2}$/.test(id)) throw new MedblocksError(NO_SUCH_ID, "not_found", 404);
  return encodeURIComponent(id);
}

function isSettled({ status, connections }) {
  return OVER.includes(status) && connections.every((connection) => SETTLED.includes(connection.status));
}

function isPassing({ status }) {
  return status === 0 || status === 429 || status >= 500;
}

async function pause(milliseconds, signal) {
  await until(signal, (go) => setTimeout(go, milliseconds));
  while (document.hidden) {
    await until(signal, (go) => document.addEventListener("visibilitychange", go, { once: true }));
  }
}

/** @returns {Promise<void>} */
function until(signal, listen) {
  return new Promise((resolve, reject) => {
    const stop = () => reject(signal.reason);
    signal?.throwIfAborted();
    signal?.addEventListener("abort", stop, { once: true });
    listen(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    });
  });
}
