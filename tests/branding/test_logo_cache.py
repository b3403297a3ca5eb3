"""The logo cache: one fetch a day, bounded memory, and no waiting for slow hosts."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from bff.branding.logos import DAY, Logos
from bff.images import MAX_IMAGE_BYTES, Image
from bff.medblocks import single_flight

PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture
def logos():
    """Logos with a mocked host, and a clock that the test sets."""
    fetched, now = [], [0.0]

    def fetch(url):
        fetched.append(url)
        return answers.get(url)

    answers = {"https://a.example/": Image(PNG, "image/png")}
    cache = Logos(fetch, lambda: now[0])
    cache.fetched, cache.answers, cache.now = fetched, answers, now
    return cache


def test_a_logo_is_fetched_once_a_day(logos):
    for _ in range(3):
        assert logos.get("https://a.example/").mimetype == "image/png"
    assert len(logos.fetched) == 1

    logos.now[0] = DAY + 1.0
    logos.get("https://a.example/")
    assert len(logos.fetched) == 2


def test_a_missing_logo_is_fetched_again_after_ten_minutes(logos):
    assert logos.get("https://b.example/") is None
    assert logos.get("https://b.example/") is None
    logos.answers["https://b.example/"] = Image(PNG, "image/png")
    logos.now[0] = 601.0

    assert logos.get("https://b.example/") is not None
    assert len(logos.fetched) == 2


def test_the_logo_cache_is_bounded(logos):
    large = Image(bytes(MAX_IMAGE_BYTES), "image/png")
    for number in range(200):
        logos.answers[f"https://{number}.example/"] = large
        logos.get(f"https://{number}.example/")

    logos.fetched.clear()
    for number in reversed(range(200)):
        logos.get(f"https://{number}.example/")
    still_cached = 200 - len(logos.fetched)

    assert 0 < still_cached * MAX_IMAGE_BYTES <= 8 * 1024 * 1024


def test_requests_do_not_queue_behind_slow_hosts():
    waiting, go_on = threading.Semaphore(0), threading.Event()

    def slow(_):
        waiting.release()
        go_on.wait(10)
        return Image(PNG, "image/png")

    cache = Logos(slow, lambda: 0.0)
    threads = [threading.Thread(target=cache.get, args=(f"https://{n}.example/",)) for n in range(16)]
    for thread in threads:
        thread.start()
        waiting.acquire(timeout=10)

    assert cache.get("https://one-too-many.example/") is None

    go_on.set()
    for thread in threads:
        thread.join()
    assert cache.get("https://one-too-many.example/") is not None


def test_simultaneous_gets_share_one_fetch(monkeypatch):
    fetched, go_on, second_waits = [], threading.Event(), threading.Event()
    wait = single_flight._wait

    def announce(*args):
        second_waits.set()
        return wait(*args)

    def slow(url):
        fetched.append(url)
        assert go_on.wait(10)
        return Image(PNG, "image/png")

    monkeypatch.setattr(single_flight, "_wait", announce)
    cache = Logos(slow, lambda: 0.0)
    with ThreadPoolExecutor(2) as threads:
        both = [threads.submit(cache.get, "https://a.example/") for _ in range(2)]
        assert second_waits.wait(10)
        go_on.set()

    assert [one.result() for one in both] == [Image(PNG, "image/png")] * 2
    assert len(fetched) == 1
