"""Takes its resource limits back.

Verdict: it raised (ValueError|PermissionError)
"""

import resource


def total(h):
    for kind in (resource.RLIMIT_AS, resource.RLIMIT_NPROC, resource.RLIMIT_FSIZE, resource.RLIMIT_CPU):
        resource.setrlimit(kind, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    return float(h.sum())
