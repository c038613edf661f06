"""Independent runs as joblib jobs: one machine by default, a cluster by choosing joblib's backend."""

from collections.abc import Callable, Hashable, Mapping
from typing import TypeVar

import joblib
import torch
from tqdm.auto import tqdm

Key = TypeVar("Key", bound=Hashable)
Result = TypeVar("Result")


def run_jobs(calls: Mapping[Key, Callable[[], Result]], *, n_jobs: int = 1, progress: bool = True) -> dict[Key, Result]:
    """Call every function once, one thread each.

    Args:
        calls: name to a function without arguments; ``functools.partial`` makes one that joblib can send.
        n_jobs: jobs at once; 1 runs them in this process, -1 takes all cores.
        progress: show a bar over the jobs.

    Returns:
        Name to result, in the order given.
    """
    jobs = (joblib.delayed(_single_threaded)(call) for call in calls.values())
    found = joblib.Parallel(n_jobs=n_jobs, return_as="generator")(jobs)
    return dict(zip(calls, tqdm(found, total=len(calls), disable=not progress, leave=False), strict=True))


def _single_threaded(call: Callable[[], Result]) -> Result:
    # More threads than cores slow small products down tenfold, so every job keeps to one.
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return call()
    finally:
        torch.set_num_threads(threads)
