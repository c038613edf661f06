"""Leaves threads that go on when it has answered.

Verdict: it raised RuntimeError: can't start new thread|the number is 0; expected
"""

import threading
import time


def total(h):
    for _ in range(50):
        threading.Thread(target=time.sleep, args=(20,)).start()
    return 0.0
