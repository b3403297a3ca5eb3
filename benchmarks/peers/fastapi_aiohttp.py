"""The same read with FastAPI and one shared session of aiohttp."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from fastapi import FastAPI
from fastapi.responses import JSONResponse
from normalise import HEADERS, UNAVAILABLE, address, patient


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    async with aiohttp.ClientSession(headers=HEADERS, timeout=aiohttp.ClientTimeout(total=10)) as session:
        app.state.session = session
        yield


app = FastAPI(lifespan=_lifespan)


@app.get("/api/patients/{patient_id}", response_model=None)
async def read_patient(patient_id: str) -> dict[str, Any] | JSONResponse:
    """Read a patient."""
    async with app.state.session.get(address(patient_id)) as reply:
        if not reply.ok:
            return JSONResponse(UNAVAILABLE, 502)
        return patient(await reply.json())
