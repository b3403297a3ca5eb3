/** Types of `medblocks-bff.js`; results have the fields of the server's JSON. */

export interface Options {
  /** Aborts the call, which throws the signal's reason. */
  signal?: AbortSignal;
}

export interface Configuration {
  /** The server's origin, such as `https://bff.example.com`; by default, the page's own. */
  baseUrl?: string;
  /** Headers for each call, such as `Authorization`. The function runs before each call, and may be async. */
  headers?: () => Record<string, string> | Promise<Record<string, string>>;
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
  /** Stored with a new patient, and updated if the patient is this browser's own; the name likewise. */
  patientEmail?: string | null;
  patientName?: string | null;
  /** Your own fields of this session; they are not copied to the patient. */
  metadata?: Record<string, unknown> | null;
  /** The label of the button that returns to your app: 1 to 60 characters. */
  returnButtonLabel?: string | null;
  /** Where the browser returns to; a URL that the server allows. */
  returnUrl?: string | null;
  /** The facility to go straight to, `fhirsrc_…`; not with `recommendedConnectionIds`. */
  connectionId?: string | null;
  /** The facilities to show first in the search. */
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
  /** Most recent first, including failed attempts. */
  connections: Connection[];
}

/** Medblocks may add others. */
export type ConnectionStatus = "active" | "failed" | "expired" | "refresh_failed" | "disconnected" | (string & {});

export interface SessionConnection {
  /** `conn_…`; null for a failed attempt. */
  id: string | null;
  /** The facility in the catalog, `fhirsrc_…`. */
  connection_id: string;
  status: ConnectionStatus;
  /** `user_denied` if the patient declined, or `oauth_callback_failed`; Medblocks may add others. */
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
  /** This and the following fields are null if the catalog can't be reached. */
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
  /** The path of the logo on this server, so that no other host learns of the visitor. */
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
  /** Send the browser there. Keep it secret: its holder can act for the patient. */
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

/** The parameters that Medblocks adds to the return URL; null for those that are missing. */
export interface Return {
  patient_id: string | null;
  patient_session_id: string | null;
  /** Only for a session that went straight to one facility. */
  success: boolean | null;
  connection_id: string | null;
  /** The same as `failure_code`. */
  error: string | null;
  error_description: string | null;
  /** Your own value, unchanged. */
  state: string | null;
}

export class MedblocksError extends Error {
  name: "MedblocksError";
  /** The server's code, or this module's `network_error` or `unreadable_answer`. */
  code: string;
  /** The field to correct, in the spelling that was sent. */
  param: string | null;
  /** The HTTP status; 0 without a response. */
  status: number;
  /** Include it in problem reports. */
  requestId: string | null;
  /** The seconds to wait before a retry; 0 if the server gave none. */
  retryAfter: number;
  cause?: unknown;
  constructor(message: string, code: string, status: number, details?: {
    param?: string | null;
    requestId?: string | null;
    retryAfter?: number;
    cause?: unknown;
  });
}

/** A message for each of this module's own errors. */
export interface Messages {
  network_error: string;
  unreadable_answer: string;
  not_found: string;
}

/** The messages by language. That of `<html lang>` is chosen, else English. */
export const messages: { en: Messages; es: Messages; [language: string]: Messages };

/** Sets where and how calls are made. What is left out gets its default. */
export function configure(configuration: Configuration): void;

export function createPatient(
  values: NewPatient,
  options?: Options & { /** A random key per patient: 16 to 255 characters. */ idempotencyKey?: string },
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
  options?: Options & { /** The previous page's `next_cursor`. */ startingAfter?: string | null },
): Promise<FacilityPage>;

export function startPatientSession(values: NewPatientSession, options?: Options): Promise<StartedSession>;

export function getPatientSession(sessionId: string, options?: Options): Promise<PatientSession>;

/** Yields the session now and after each change, until its connections have settled. */
export function followPatientSession(
  sessionId: string,
  options?: Options,
): AsyncGenerator<PatientSession, void, void>;

/** Parses this page's URL by default. The parameters prove nothing: read the session. */
export function parseReturn(url?: string | URL | Location): Return;
