"""Declines every signal that can be declined, then never returns.

Verdict: it ran out of time
"""

import signal

for number in range(1, signal.NSIG):
    if number not in (signal.SIGKILL, signal.SIGSTOP) and (number < 32 or number >= signal.SIGRTMIN):
        signal.signal(number, signal.SIG_IGN)


def total(h):
    while True:
        pass
