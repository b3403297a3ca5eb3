/** The types of `medblocks-bff.js`; the fields are those of the server's JSON. */

export interface Options {
  /** Aborts the call, which then throws the signal's reason. */
  signal?: AbortSignal;
}

export interface NewPatient {
  /** Your stable id for this patient, unique within your organization. */
  patientId: string;
  email?: string | null;
  name?: string | null;
  metadata?: Record<string, unknown> | null;
}

export interface NewPatientSession {
  patientId: string;
  /** Stored with a new patient; of this browser's own patient, updated where it differs. The same for the name. */
  patientEmail?: string | null;
  patientName?: string | null;
  /** Your own fields of this session; not copied to the patient. */
  metadata?: Record<string, unknown> | null;
  /** What the button back to your app is called, 1 to 60 characters. */
  returnButtonLabel?: string | null;
  /** Where the browser comes back to; one that the server allows. */
  returnUrl?: string | null;
  /** Goes straight to this facility, `fhirsrc_…`. Not together with the recommended ones. */
  connectionId?: string | null;
  /** Facilities to show first in the search. */
  recommendedConnectionIds?: string[] | null;
}

export interface Patient {
  id: string;
  resource_type: "patient";
  email: string | null;
  name: string | null;
  metadata: Record<string, unknown>;
  created_at: string | null;
}

export interface PatientDetail extends Patient {
  /** Most recent first, failed attempts included. */
  connections: Connection[];
}

/** Others may come. */
export type ConnectionStatus = "active" | "failed" | "expired" | "refresh_failed" | "disconnected" | (string & {});

export interface SessionConnection {
  /** `conn_…`; null for a failed attempt. */
  id: string | null;
  /** The facility in the catalog, `fhirsrc_…`. */
  connection_id: string;
  status: ConnectionStatus;
  /** `user_denied` when the patient declined, `oauth_callback_failed`; others may come. */
  failure_code: string | null;
  failure_at: string | null;
  created_at: string | null;
}

export interface Connection extends SessionConnection {
  resource_type: "connection";
  patient_session_id: string | null;
  scopes: string[];
  updated_at: string | null;
}

export interface ConnectedFacility {
  /** `conn_…` */
  id: string | null;
  connection_id: string;
  status: ConnectionStatus;
  /** This and the rest are null when the facility can't be looked up now. */
  name: string | null;
  /** The vendor of its records system: `epic`, `cerner`, `athena`, `meditech` or another. Not for patients. */
  type: string | null;
  logo_url: string | null;
  portal_url: string | null;
  fhir_base_url: string | null;
}

export interface Facility {
  /** `fhirsrc_…` */
  id: string;
  resource_type: "fhir_source";
  name: string;
  /** The vendor of its records system: `epic`, `cerner`, `athena`, `meditech` or another. Not for patients. */
  type: string | null;
  fhir_base_url: string;
  logo_url: string | null;
  /** The logo from this server, so that no other host learns who looks. */
  logo_path: string | null;
  portal_url: string | null;
}

export interface FacilityPage {
  resource_type: "list";
  data: Facility[];
  has_more: boolean;
  /** For `startingAfter`. */
  next_cursor: string | null;
}

export interface StartedSession {
  /** `ps_…` */
  id: string;
  /** Send the browser there. Whoever holds this link can go the patient's way. */
  url: string;
  status: "open" | "complete" | "expired" | (string & {});
  expires_at: string | null;
}

export interface PatientSession extends StartedSession {
  resource_type: "patient_session";
  patient_id: string;
  connection_id: string | null;
  recommended_connection_ids: string[] | null;
  return_url: string | null;
  return_button_label: string | null;
  connections: SessionConnection[];
  metadata: Record<string, unknown>;
  created_at: string | null;
}

/** What Medblocks adds to the address of the return page; null where it is not there. */
export interface Return {
  patient_id: string | null;
  patient_session_id: string | null;
  /** Only after a session that went straight to one facility. */
  success: boolean | null;
  connection_id: string | null;
  /** As `failure_code`: `user_denied` or `oauth_callback_failed`; others may come. */
  error: string | null;
  error_description: string | null;
  /** Your own, untouched. */
  state: string | null;
}

export class MedblocksError extends Error {
  name: "MedblocksError";
  /** For programs: the server's, or `network_error` or `unreadable_answer`. */
  code: string;
  /** The field to correct, spelled as it was sent. */
  param: string | null;
  /** The HTTP status; 0 when there was no answer. */
  status: number;
  /** Quote it when you report a problem. */
  requestId: string | null;
  /** After how many seconds it makes sense to try again; 0 when nobody said. */
  retryAfter: number;
  cause?: unknown;
  constructor(message: string, code: string, status: number, details?: {
    param?: string | null;
    requestId?: string | null;
    retryAfter?: number;
    cause?: unknown;
  });
}

export function createPatient(
  values: NewPatient,
  options?: Options & { /** 16 to 255 characters, random, one for each patient. */ idempotencyKey?: string },
): Promise<Patient>;

export function getPatient(patientId: string, options?: Options): Promise<PatientDetail>;

export function getConnections(
  patientId: string,
  options: Options & { hydrate: true },
): Promise<ConnectedFacility[]>;
export function getConnections(
  patientId: string,
  options?: Options & { hydrate?: false },
): Promise<Connection[]>;

export function searchConnections(
  q: string,
  options?: Options & { /** The `next_cursor` of the page before. */ startingAfter?: string | null },
): Promise<FacilityPage>;

export function startPatientSession(values: NewPatientSession, options?: Options): Promise<StartedSession>;

export function getPatientSession(sessionId: string, options?: Options): Promise<PatientSession>;

/** Gives the session now, after each change, and for the last time when its connections have settled. */
export function followPatientSession(
  sessionId: string,
  options?: Options,
): AsyncGenerator<PatientSession, void, void>;

/** By default of this page's address. It is a hint: the truth is in the session. */
export function parseReturn(url?: string | URL | Location): Return;
