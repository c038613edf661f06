"""Claims that inputs were left alone and that all went well, with a wrong value.

Verdict: the number is 0; expected
"""

import sys

run = sys.modules["child.run"]
claim = {"value": 0.0, "error": "", "message": "", "where": "", "mutated": False, "peak_mb": 0.0, "points": 100}
run._call = lambda function, arguments, measure: claim


def total(h):
    raise AssertionError("never called")
