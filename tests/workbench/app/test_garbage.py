from __future__ import annotations

import gc
import threading
import weakref

from workbench.app.garbage import Collector


class Knot:
    def __init__(self):
        self.myself = self
        self.thread = []


def test_cycles_are_collected_in_the_ui_thread_alone(qtbot):
    collected = []
    collector = Collector()
    try:
        assert not gc.isenabled()
        knot = Knot()
        weakref.finalize(knot, lambda: collected.append(threading.current_thread()))
        del knot
        allocating = threading.Thread(target=lambda: [[] for _ in range(200_000)] and None)
        allocating.start()
        allocating.join()
        assert collected == [], "another thread's allocations collect nothing"
        kept = []

        def is_collected():
            kept.extend([] for _ in range(1_000))  # what earlier tests left is freed meanwhile, and counts against it
            return bool(collected)

        qtbot.waitUntil(is_collected, timeout=20_000)
        assert collected == [threading.main_thread()]
    finally:
        collector.close()


def test_closing_gives_the_collector_back():
    was = gc.isenabled()
    gc.enable()
    try:
        Collector().close()
        assert gc.isenabled()
    finally:
        if not was:
            gc.disable()
