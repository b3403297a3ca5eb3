import { configure } from "medblocks-bff";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./App";

// Without a base URL, calls go to the page's own origin, where the dev server's proxy passes them on.
configure({ baseUrl: import.meta.env.VITE_BFF_URL });

createRoot(document.getElementById("root")!).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
