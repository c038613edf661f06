"""Returns a dict whose keys run code when they are compared.

Verdict: a dict whose keys are not all text or integers
"""


class Key:
    def __hash__(self):
        return 0

    def __eq__(self, other):
        raise SystemExit


def total(h):
    return {Key(): 1, Key: 2}
