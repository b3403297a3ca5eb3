/** Searches for facilities as the user types. Without JavaScript, the form shows the same results on a new page. */

import "./intake.js";
import { searchConnections } from "./medblocks-bff.js";

const MIN_LENGTH = 2; // characters
const DEBOUNCE = 300; // milliseconds

const form = document.getElementById("search");
const live = document.getElementById("live");
const facilities = document.getElementById("facilities");
const template = document.getElementById("result");
let controller = new AbortController();

form?.addEventListener("input", async () => {
  controller.abort();
  controller = new AbortController();
  const { signal } = controller;
  await new Promise((resolve) => setTimeout(resolve, DEBOUNCE));
  if (!signal.aborted) await search(form.elements.q.value.trim(), signal);
});

async function search(q, signal) {
  // Reloading the page, or coming back to it, shows the same results.
  history.replaceState(null, "", searchUrl());
  if (q.length < MIN_LENGTH) return show("");
  try {
    const page = await searchConnections(q, { signal });
    show(summary(q, page), list(page.data), moreLink(page.next_cursor));
  } catch (error) {
    if (!signal.aborted) show(error.message);
  }
}

function show(text, ...elements) {
  live.textContent = text;
  facilities.replaceChildren(...elements.filter(Boolean));
}

function summary(q, { data, has_more: hasMore }) {
  if (!data.length) return `No place matches “${q}”. Check the spelling, or try a shorter part of the name.`;
  if (hasMore) return `These are the first ${data.length} places that match “${q}”.`;
  return data.length === 1 ? `1 place matches “${q}”.` : `${data.length} places match “${q}”.`;
}

function list(data) {
  const element = document.createElement("ul");
  element.className = "facilities";
  element.append(...data.map(result));
  return element;
}

function result({ id, name, logo_path: logo }) {
  const element = template.content.cloneNode(true);
  element.querySelector("button").value = id;
  element.querySelector("strong").textContent = name;
  if (logo) element.querySelector("img").src = logo;
  return element;
}

function moreLink(cursor) {
  if (!cursor) return null;
  const link = document.createElement("a");
  link.href = `${searchUrl({ starting_after: cursor })}#facilities`;
  link.textContent = "Show more places";
  return link;
}

function searchUrl(parameters = {}) {
  return `?${new URLSearchParams({ ...Object.fromEntries(new FormData(form)), ...parameters })}`;
}
