"""The files of `deploy/nginx`, as text."""

from benchmarks.deployment import NGINX_FILES

MAIN = (NGINX_FILES / "conf.d" / "medblocks-bff.conf").read_text()
MAPS, LOCATIONS, PROXY = (
    (NGINX_FILES / "medblocks-bff" / f"{name}.conf").read_text() for name in ("maps", "locations", "proxy")
)
