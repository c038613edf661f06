"""Committed data, where packages keep theirs, and how the committed part is rebuilt (``python -m``, this package)."""
