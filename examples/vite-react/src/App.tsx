import { type ConnectedFacility, MedblocksError, type Patient } from "medblocks-bff";
import { createPatient, getConnections, parseReturn, startPatientSession } from "medblocks-bff";
import { type FormEvent, useEffect, useState } from "react";

/** The form; or, when the browser comes back from Medblocks, the connected facilities. */
export function App() {
  const { patient_id } = parseReturn();
  return <main>{patient_id ? <Connected patientId={patient_id} /> : <NewPatient />}</main>;
}

function NewPatient() {
  const [patient, setPatient] = useState<Patient>();
  const [error, setError] = useState<MedblocksError>();

  async function save(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const { patientId, name, email } = Object.fromEntries(new FormData(event.currentTarget)) as Record<string, string>;
    setError(undefined);
    await createPatient({ patientId, name, email }).then(setPatient, setError);
  }

  async function connect(patientId: string) {
    const returnUrl = location.origin + location.pathname;
    await startPatientSession({ patientId, returnUrl }).then(({ url }) => location.assign(url), setError);
  }

  return (
    <>
      {error && <p role="alert">{error.message}</p>}
      {patient ? (
        <>
          <p role="status">{patient.name ?? patient.id} is saved.</p>
          <button onClick={() => connect(patient.id)}>Connect health records</button>
        </>
      ) : (
        <form onSubmit={save} noValidate>
          <Field label="Patient number" name="patientId" error={error} />
          <Field label="Name" name="name" error={error} />
          <Field label="Email address" name="email" error={error} />
          <button>Save</button>
        </form>
      )}
    </>
  );
}

function Field({ label, name, error }: { label: string; name: string; error?: MedblocksError }) {
  return (
    <p>
      <label>
        {label} <input name={name} aria-invalid={error?.param === name} />
      </label>
    </p>
  );
}

function Connected({ patientId }: { patientId: string }) {
  const [facilities, setFacilities] = useState<ConnectedFacility[]>();
  const [error, setError] = useState<MedblocksError>();

  useEffect(() => {
    const stop = new AbortController();
    getConnections(patientId, { hydrate: true, signal: stop.signal }).then(setFacilities, (reason: unknown) => {
      if (reason instanceof MedblocksError) setError(reason);
    });
    return () => stop.abort();
  }, [patientId]);

  if (error) return <p role="alert">{error.message}</p>;
  if (!facilities) return <p role="status">Loading …</p>;
  return (
    <>
      <h1>Connected</h1>
      <ul>{facilities.map((facility) => <li key={facility.id}>{facility.name}</li>)}</ul>
    </>
  );
}
