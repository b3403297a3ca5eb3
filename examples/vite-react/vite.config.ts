import react from "@vitejs/plugin-react";
import { defineConfig, loadEnv } from "vite";

export default defineConfig(({ mode }) => {
  const { VITE_PROXY_TO = "http://127.0.0.1:8000" } = loadEnv(mode, ".");
  return {
    plugins: [react()],
    server: {
      // To the browser, these paths of the server are on the page's own origin, as behind a proxy in production.
      proxy: { "/api": VITE_PROXY_TO, "/static": VITE_PROXY_TO, "/facilities": VITE_PROXY_TO },
    },
  };
});
