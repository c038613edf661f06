"""How large a run is: one environment variable, three sizes.

``quick`` fits into about a minute on two CPU cores, ``laptop`` into about ten minutes, ``gpu`` is the paper's scale.
"""

import os
from dataclasses import dataclass
from html import escape
from typing import TypeVar

T = TypeVar("T")

PROFILES = {
    "quick": "about a minute on two CPU cores",
    "laptop": "about ten minutes on a laptop",
    "gpu": "the paper's scale, on a GPU",
}
_SAME = object()  # None may be a value somebody picks


@dataclass(frozen=True)
class Profile:
    """The size of this run.

    Attributes:
        name: ``"quick"``, ``"laptop"`` or ``"gpu"``.
        n_jobs: number of joblib workers that fits the profile.
    """

    name: str
    n_jobs: int = 2

    def __post_init__(self) -> None:
        if self.name not in PROFILES:
            raise ValueError(f"profile is {self.name!r}; expected one of {', '.join(PROFILES)}")
        if not isinstance(self.n_jobs, int) or self.n_jobs < 1:
            raise ValueError(f"n_jobs is {self.n_jobs!r}; expected an integer >= 1")

    def pick(self, *, quick: T, laptop: T = _SAME, gpu: T = _SAME) -> T:
        """The value meant for this profile.

        Args:
            quick: value of the quick run.
            laptop: value of the laptop run; the quick one when left out.
            gpu: value of the gpu run; the laptop one when left out.

        Returns:
            One of the three, as given.
        """
        laptop = quick if laptop is _SAME else laptop
        gpu = laptop if gpu is _SAME else gpu
        return {"quick": quick, "laptop": laptop, "gpu": gpu}[self.name]

    def __str__(self) -> str:
        others = " or ".join(f"COURSE_PROFILE={name}" for name in PROFILES if name != self.name)
        return f"profile {self.name}: {PROFILES[self.name]} (for another size set {others} before starting)"

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return f"<p><b>{escape(self.name)}</b> {escape(str(self).removeprefix(f'profile {self.name}'))}</p>"


def profile() -> Profile:
    """The profile that ``COURSE_PROFILE`` asks for; ``quick`` when it is not set.

    Returns:
        The profile. ``n_jobs`` is 2 for quick, so that its display is the same everywhere, else the usable cores.

    Raises:
        ValueError: ``COURSE_PROFILE`` holds something else; the message names it.
    """
    name = os.environ.get("COURSE_PROFILE") or "quick"
    if name not in PROFILES:
        raise ValueError(f"COURSE_PROFILE is {name!r}; expected one of {', '.join(PROFILES)}")
    return Profile(name, n_jobs=2 if name == "quick" else usable_cores())


def usable_cores() -> int:
    """Number of CPU cores this process may use, at least 1."""
    if hasattr(os, "sched_getaffinity"):  # knows about taskset and most containers; Linux only
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
