"""Never returns.

Verdict: it ran out of time
"""


def total(h):
    while True:
        pass
