"""Writes bytes of its own to every open file and ends (test_attacks.py says which bytes).

Verdict: given by the test
"""

import os
import zlib

from given import FRAMES

for file in range(3, 64):
    try:
        left = zlib.decompress(FRAMES)
        while left:
            left = left[os.write(file, left) :]
    except OSError:
        continue
os._exit(0)
