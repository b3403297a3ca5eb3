"""Three servers behind nginx, with Redis: parts of it end and start, and no visitor is misled."""

import pytest

from benchmarks.scale_out.run import NEW, ScaleOut, all_events
from tests.programs import need

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def _programs():
    need("nginx", "nginx")
    need("redis-server", "redis-server")


def test_nothing_is_lost_while_parts_end_and_start(tmp_path):
    lines = []

    figures = ScaleOut(tmp_path, patients_per_event=15).run(all_events, lines.append)

    assert len(lines) == 7
    assert figures.patients > 7 * 15
    assert (figures.wrong, figures.lost, figures.duplicates) == ([], 0, 0), "\n".join([*lines, str(figures)])


def test_the_run_notices_a_secret_that_is_forgotten(tmp_path):
    def forget(fleet, redis):
        yield "all serve", lambda: None
        yield "another secret", lambda: fleet.restart(BFF_SECRET=NEW)

    figures = ScaleOut(tmp_path, patients_per_event=8, servers=1).run(forget)

    assert figures.lost + len(figures.wrong) > 0
