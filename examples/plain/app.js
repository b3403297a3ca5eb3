const BFF = "http://127.0.0.1:8000"; // "" if this page is on the server's own origin

/** Call a route. Without values, it is a GET; with values, a POST. */
async function call(path, values) {
  const response = await fetch(`${BFF}/api/${path}`, {
    credentials: "include", // send and keep the server's cookie, although it is another origin
    ...(values && {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(values),
    }),
  });
  const body = await response.json();
  if (!response.ok) throw new Error(body.error.message);
  return body;
}

const create = document.getElementById("create");
const connect = document.getElementById("connect");
const show = (id, text) => (document.getElementById(id).textContent = text);
const showError = (error) => show("error", error.message);

create.addEventListener("submit", async (event) => {
  event.preventDefault();
  show("error", "");
  try {
    const patient = await call("patients", Object.fromEntries(new FormData(create)));
    show("status", `${patient.name ?? patient.id} is saved.`);
    connect.value = patient.id;
    connect.hidden = !(create.hidden = true);
  } catch (error) {
    showError(error);
  }
});

connect.addEventListener("click", async () => {
  try {
    const returnUrl = location.origin + location.pathname;
    location.assign((await call("patient-sessions", { patientId: connect.value, returnUrl })).url);
  } catch (error) {
    showError(error);
  }
});

// The browser comes back from Medblocks with the patient's id in the address.
const patientId = new URLSearchParams(location.search).get("patient_id");
if (patientId) {
  create.hidden = true;
  try {
    const { data } = await call(`patients/${encodeURIComponent(patientId)}/connections?hydrate=true`);
    show("status", "Connected");
    document.getElementById("facilities").append(
      ...data.map(({ name }) => Object.assign(document.createElement("li"), { textContent: name })),
    );
  } catch (error) {
    showError(error);
  }
}
