"""Raises an error whose name and text would move the cursor of who reads it.

Verdict: it raised  \\[2J
"""

Error = type("\x1b[2J\r\n\x07", (Exception,), {})


def total(h):
    raise Error("\x1b]0;title\x07\ud800 <script>alert(1)</script>" * 1000)
