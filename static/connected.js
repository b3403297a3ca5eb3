/** Keeps the page up to date while the session that it shows is under way, and says what has changed. */

import "./intake.js";
import { followPatientSession } from "./medblocks-bff.js";

const main = document.querySelector("main");
const live = document.getElementById("live");

if ("follow" in main.dataset) {
  try {
    for await (const _ of followPatientSession(main.dataset.patientSessionId)) await refresh();
  } catch {
    // The page says itself how to look again.
  }
}

/** Show what the server says now; the live region stays where it is, since only then it is read out. */
async function refresh() {
  const answer = await fetch(location.href);
  if (!answer.ok) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const fresh = page.querySelector("main");
  if (text(fresh) === text(main)) return;
  const hadFocus = main.contains(document.activeElement);
  const [before, after] = around(fresh.querySelector("#live"));
  for (const old of around(live).flat()) old.remove();
  live.before(...before);
  live.after(...after);
  document.title = page.title;
  main.dataset.status = fresh.dataset.status;
  live.textContent = [...main.querySelectorAll("h1, .lead")].map((element) => element.textContent).join(". ");
  if (hadFocus) focusOn(main.querySelector("h1"));
}

function around(element) {
  const all = [...element.parentElement.children];
  const at = all.indexOf(element);
  return [all.slice(0, at), all.slice(at + 1)];
}

function text(element) {
  return around(element.querySelector("#live")).flat().map((part) => part.textContent).join("");
}

function focusOn(element) {
  element.tabIndex = -1;
  element.focus();
}
