"""The catalog of facilities: `Medblocks(…).connections`."""

from collections.abc import Iterator
from functools import partial

from bff.medblocks import models
from bff.medblocks.replies import Shape
from bff.medblocks.resources.base import MAX_PAGE, Resource, all_rows

_FACILITY, _FACILITY_PAGE = Shape(models.Facility), Shape(models.FacilityPage)


class Connections(Resource):
    """The facilities that patients can connect. Every method may raise any MedblocksError."""

    def list(
        self,
        *,
        q: str | None = None,
        type: str | None = None,  # noqa: A002 - the API's name
        limit: int | None = None,
        starting_after: str | None = None,
    ) -> models.FacilityPage:
        """Return a page of facilities, optionally those that match `q`, and of a vendor such as `epic`."""
        query = {"q": q or None, "type": type, "limit": limit, "starting_after": starting_after}
        return self._call(_FACILITY_PAGE, "list facilities", "GET", "connections", query=query)

    def iter_all(
        self,
        *,
        q: str | None = None,
        type: str | None = None,  # noqa: A002 - the API's name
        limit: int = MAX_PAGE,
    ) -> Iterator[models.Facility]:
        """Yield the facilities of all pages, which are read when they are needed, `limit` each."""
        return all_rows(partial(self.list, q=q, type=type, limit=limit))

    def retrieve(self, facility_id: str) -> models.Facility:
        """Return a facility by its id, `fhirsrc_…`, or its FHIR base URL. Raise NotFound."""
        return self._call(_FACILITY, "read facility", "GET", "connections", facility_id)
