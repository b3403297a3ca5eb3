// The routes take and return JSON. So each request's form becomes JSON, and each reply becomes HTML.

document.addEventListener("htmx:before:request", ({ detail: { ctx } }) => {
  ctx.request.headers["Content-Type"] = "application/json";
  ctx.request.body = JSON.stringify(Object.fromEntries(ctx.request.body));
});

document.addEventListener("htmx:after:request", (event) => {
  const { ctx } = event.detail;
  const reply = JSON.parse(ctx.text);
  if (reply.error) {
    ctx.text = render("failed", { p: { textContent: reply.error.message } });
  } else if (reply.url) {
    event.preventDefault(); // nothing to show: the browser leaves for Medblocks
    location.assign(reply.url);
  } else {
    ctx.text = render("saved", {
      p: { textContent: `${reply.name ?? reply.id} is saved.` },
      input: { defaultValue: reply.id },
    });
  }
});

/** Return a template's HTML with these properties of its elements. They are escaped. */
function render(id, elements) {
  const root = document.createElement("div");
  root.append(document.getElementById(id).content.cloneNode(true));
  for (const [selector, properties] of Object.entries(elements)) {
    Object.assign(root.querySelector(selector), properties);
  }
  return root.innerHTML;
}
