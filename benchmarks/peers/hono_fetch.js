// The same read with Hono and fetch.
import { serve } from "@hono/node-server";
import { Hono } from "hono";
import { address, headers, patient, unavailable } from "./normalise.js";

const app = new Hono();

app.get("/api/patients/:id", async (context) => {
  const reply = await fetch(address(context.req.param("id")), { headers });
  if (!reply.ok) return context.json(unavailable, 502);
  return context.json(patient(await reply.json()));
});

serve({ fetch: app.fetch, port: Number(process.env.PORT), hostname: "127.0.0.1" });
