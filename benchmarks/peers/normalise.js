// What each peer of the benchmark answers with: the documented fields of a patient, and no others.

const connection = (from) => ({
  id: from.id,
  resource_type: "connection",
  patient_session_id: from.patient_session_id ?? null,
  connection_id: from.connection_id,
  status: from.status,
  scopes: from.scopes ?? [],
  failure_code: from.failure_code ?? null,
  failure_at: from.failure_at ?? null,
  created_at: from.created_at,
  updated_at: from.updated_at ?? null,
});

export const patient = (from) => ({
  id: from.id,
  resource_type: "patient",
  email: from.email,
  name: from.name,
  metadata: from.metadata ?? {},
  created_at: from.created_at,
  connections: from.connections.map(connection),
});

export const address = (id) => `${process.env.UPSTREAM}/patients/${encodeURIComponent(id)}`;

export const headers = { Authorization: `Bearer ${process.env.API_KEY}`, Version: "2026-04-25" };

export const unavailable = { error: { message: "The health records service is unavailable." } };
