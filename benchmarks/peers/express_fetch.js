// The same read with Express and fetch.
import express from "express";
import { address, headers, patient, unavailable } from "./normalise.js";

const app = express();

app.get("/api/patients/:id", async (request, response) => {
  const reply = await fetch(address(request.params.id), { headers });
  if (!reply.ok) return response.status(502).json(unavailable);
  response.json(patient(await reply.json()));
});

app.listen(Number(process.env.PORT), "127.0.0.1");
