"""The files of `deploy/nginx/medblocks-bff`, as text."""

from benchmarks.deployment import NGINX_FILES

MAPS, LOCATIONS, PROXY, UPSTREAM = (
    (NGINX_FILES / "medblocks-bff" / f"{name}.conf").read_text()
    for name in ("maps", "locations", "proxy", "upstream")
)
