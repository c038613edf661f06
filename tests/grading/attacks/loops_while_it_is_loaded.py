"""Never gets as far as defining a function.

Verdict: it ran out of time
"""

while True:
    pass
