/** Sends each form once, so that whoever clicks twice does nothing twice. */

const LONGEST = 15000; // milliseconds; the server has answered by then, or nobody will

addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post") return;
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  mark(form, event.submitter);
  setTimeout(clear, LONGEST, form);
});

// A browser may show a page again as it was left.
addEventListener("pageshow", () => [...document.forms].forEach(clear));

function mark(form, button) {
  form.dataset.sent = "true";
  button?.setAttribute("aria-disabled", "true");
}

function clear(form) {
  delete form.dataset.sent;
  for (const button of form.querySelectorAll("[aria-disabled]")) button.removeAttribute("aria-disabled");
}
