"""What runs beside a learner's code: everything here is standard library and numpy, and nothing here can grade.

The package is loaded from its folder alone (see ``corelib.grading.worker``), in a process that cannot import corelib.
"""
