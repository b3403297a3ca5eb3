/** Searches for places while one types. Without it, the form shows the same on a page of its own. */

import "./intake.js";
import { searchConnections } from "./medblocks-bff.js";

const LEAST = 2; // characters
const PAUSE = 300; // milliseconds

const form = document.getElementById("search");
const live = document.getElementById("live");
const places = document.getElementById("places");
const choice = document.getElementById("choice");
let latest = new AbortController();

form?.addEventListener("input", async () => {
  latest.abort();
  latest = new AbortController();
  const { signal } = latest;
  await new Promise((resolve) => setTimeout(resolve, PAUSE));
  if (!signal.aborted) await search(form.elements.q.value.trim(), signal);
});

async function search(q, signal) {
  // Who loads this page anew, or comes back to it, sees the same.
  history.replaceState(null, "", address());
  if (q.length < LEAST) return show("");
  try {
    const page = await searchConnections(q, { signal });
    show(words(q, page), list(page.data), more(page.next_cursor));
  } catch (error) {
    if (!signal.aborted) show(error.message);
  }
}

function show(text, ...found) {
  live.textContent = text;
  places.replaceChildren(...found.filter(Boolean));
}

function words(q, { data, has_more: hasMore }) {
  if (!data.length) return `No place matches “${q}”. Check the spelling, or try a shorter part of the name.`;
  if (hasMore) return `These are the first ${data.length} places that match “${q}”.`;
  return data.length === 1 ? `1 place matches “${q}”.` : `${data.length} places match “${q}”.`;
}

function list(facilities) {
  const element = document.createElement("ul");
  element.className = "places";
  element.append(...facilities.map(item));
  return element;
}

function item({ id, name, logo_path: logo }) {
  const element = choice.content.cloneNode(true);
  element.querySelector("button").value = id;
  element.querySelector("strong").textContent = name;
  if (logo) element.querySelector("img").src = logo;
  return element;
}

function more(cursor) {
  if (!cursor) return null;
  const link = document.createElement("a");
  link.href = `${address({ starting_after: cursor })}#places`;
  link.textContent = "Show more places";
  return link;
}

function address(more = {}) {
  return `?${new URLSearchParams({ ...Object.fromEntries(new FormData(form)), ...more })}`;
}
