"""Ends its process while it is loaded.

Verdict: it answered 0 of 3 cases
"""

import os

os._exit(0)
