"""The same read with FastAPI and one shared client of httpx."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
from fastapi import FastAPI
from fastapi.responses import JSONResponse
from normalise import HEADERS, UNAVAILABLE, address, patient


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    async with httpx.AsyncClient(headers=HEADERS) as client:
        app.state.client = client
        yield


app = FastAPI(lifespan=_lifespan)


@app.get("/api/patients/{patient_id}", response_model=None)
async def read_patient(patient_id: str) -> dict[str, Any] | JSONResponse:
    """Read a patient."""
    reply = await app.state.client.get(address(patient_id))
    if not reply.is_success:
        return JSONResponse(UNAVAILABLE, 502)
    return patient(reply.json())
