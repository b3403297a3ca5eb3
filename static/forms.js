/** Submits each form once, so that a double click has no second effect, and says that it is under way. */

const TIMEOUT = 15000; // milliseconds; longer than the server takes to respond

const busy = document.getElementById("busy");

addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post") return;
  if (form.dataset.submitted) {
    event.preventDefault();
    return;
  }
  disable(form, event.submitter);
  setTimeout(enable, TIMEOUT, form);
});

// Browsers restore a page from the back/forward cache as it was left.
addEventListener("pageshow", () => [...document.forms].forEach(enable));

function disable(form, button) {
  form.dataset.submitted = "true";
  button?.setAttribute("aria-disabled", "true");
  busy.textContent = form.dataset.busy ?? "";
}

function enable(form) {
  delete form.dataset.submitted;
  for (const button of form.querySelectorAll("[aria-disabled]")) button.removeAttribute("aria-disabled");
  busy.textContent = "";
}
