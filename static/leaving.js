/** Searches for facilities as the user types, and shows what the server's own page has for the same search. */

import "./forms.js";

const DEBOUNCE = 300; // milliseconds

const form = document.getElementById("search");
const live = document.getElementById("live");
const facilities = document.getElementById("facilities");
let controller = new AbortController();

form?.addEventListener("input", async () => {
  controller.abort();
  controller = new AbortController();
  const { signal } = controller;
  await new Promise((resolve) => setTimeout(resolve, DEBOUNCE));
  if (!signal.aborted) await search(signal);
});

async function search(signal) {
  const url = `?${new URLSearchParams(new FormData(form))}`;
  // Reloading the page, or coming back to it, shows the same results.
  history.replaceState(null, "", url);
  live.textContent = form.dataset.busy;
  try {
    const response = await fetch(url, { signal });
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    const found = page.getElementById("facilities");
    if (!found) return location.reload(); // such as an error, or a session that has ended
    facilities.replaceChildren(...found.children);
    live.textContent = facilities.querySelector("[data-summary]")?.textContent ?? "";
  } catch {
    if (!signal.aborted) live.textContent = form.dataset.unreachable;
  }
}
