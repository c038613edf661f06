"""Raises an error whose type has something else for a name.

Verdict: it answered 0 of 3 cases
"""


class Nameless(type):
    @property
    def __name__(self):
        return [self]


class Odd(Exception, metaclass=Nameless):
    pass


def total(h):
    raise Odd
