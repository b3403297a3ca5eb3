/** Updates the page while its session is in progress, and announces each change. */

import "./forms.js";
import { followPatientSession } from "./medblocks-bff.js";

const main = document.querySelector("main");
const live = document.getElementById("live");

if ("follow" in main.dataset) {
  try {
    for await (const _ of followPatientSession(main.dataset.patientSessionId)) await refresh();
  } catch {
    // The page has a link that loads it again.
  }
}

/** Show the server's current page. The live region is kept, since screen readers don't announce a new one. */
async function refresh() {
  const response = await fetch(location.href);
  if (!response.ok) return;
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  const newMain = page.querySelector("main");
  if (textOf(newMain) === textOf(main)) return;
  const hadFocus = main.contains(document.activeElement);
  const [before, after] = siblings(newMain.querySelector("#live"));
  for (const element of siblings(live).flat()) element.remove();
  live.before(...before);
  live.after(...after);
  document.title = page.title;
  main.dataset.status = newMain.dataset.status;
  live.textContent = [...main.querySelectorAll("h1, .lead")].map((element) => element.textContent).join(". ");
  if (hadFocus) focus(main.querySelector("h1"));
}

/** Return the elements before and after an element. */
function siblings(element) {
  const all = [...element.parentElement.children];
  const index = all.indexOf(element);
  return [all.slice(0, index), all.slice(index + 1)];
}

/** Return the page's text without that of the live region. */
function textOf(element) {
  return siblings(element.querySelector("#live")).flat().map(({ textContent }) => textContent).join("");
}

function focus(element) {
  element.tabIndex = -1;
  element.focus();
}
