"""Networks for a league table, and a referee whose parts can be exchanged one by one."""

from collections.abc import Callable, Sequence

import numpy as np
from scipy import stats

from corelib.information.generalization import average_over_draws

Columns = dict[str, np.ndarray]
Table = dict[str, np.ndarray]
# Of values (measures, resamples, settings) and gaps (resamples, settings), or both without resamples.
Correlate = Callable[[np.ndarray, np.ndarray], np.ndarray]
# Ends of both intervals from a row's resampled coefficients, the baseline's, and both coefficients of all settings.
Ends = Callable[[np.ndarray, np.ndarray, float, float], Sequence[float]]

BASELINE = "1/sqrt(n)"
INFORMATION, PARAMETERS, NORMS = "I(X;Z|Y) + 1", "parameters m", "squared norms"
GIVEN = ("train_loss", "test_loss", "n")
TAILS = (0.025, 0.975)


def gap_of(networks: Columns) -> np.ndarray:
    """Test minus train, one a network."""
    return networks["test_loss"] - networks["train_loss"]


def rate_of(name: str, capacity: np.ndarray, n: np.ndarray) -> np.ndarray:
    """What a bound makes of a capacity, one a network; ``name`` is for referees who treat columns differently."""
    return np.sqrt(capacity / n)


def mean_ranks(values: np.ndarray) -> np.ndarray:
    """Ranks along the last axis; equals share the mean of theirs."""
    return stats.rankdata(values, axis=-1)


def pearson(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Correlation along the last axis; NaN where one side is constant and its mean is exact."""
    a, b = a - a.mean(-1, keepdims=True), b - b.mean(-1, keepdims=True)
    with np.errstate(invalid="ignore"):
        return (a * b).sum(-1) / np.sqrt((a**2).sum(-1) * (b**2).sum(-1))


def spearman(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Correlation of ranks along the last axis; NaN for constants: ranks are multiples of 1/2, their sums exact."""
    return pearson(mean_ranks(a), mean_ranks(b))


def resampled(correlate: Correlate, values: np.ndarray, gaps: np.ndarray, picks: np.ndarray) -> np.ndarray:
    """Coefficients of measures ``(K, S)`` with gaps ``(S,)`` in every resample, shape ``(K, B)``."""
    return correlate(values[:, picks], gaps[picks])


def interval(drawn: np.ndarray, tails: Sequence[float] = TAILS) -> np.ndarray:
    """Lower and upper end."""
    return np.quantile(drawn, tails)


def kept(ends: Ends) -> Ends:
    """The ends from the resamples in which neither the row nor the baseline is constant."""

    def kept_ends(drawn: np.ndarray, base: np.ndarray, rho: float, base_rho: float) -> Sequence[float]:
        finite = np.isfinite(drawn) & np.isfinite(base)
        return ends(drawn[finite], base[finite], rho, base_rho)

    return kept_ends


@kept
def ends_of(drawn: np.ndarray, base: np.ndarray, *_: float) -> Sequence[float]:
    """Ends of both intervals, the second that of the paired difference."""
    return (*interval(drawn), *interval(drawn - base))


def referee(
    *,
    gap: Callable[[Columns], np.ndarray] = gap_of,
    rate: Callable[[str, np.ndarray, np.ndarray], np.ndarray] = rate_of,
    settle: Callable[[np.ndarray, np.ndarray], np.ndarray] = average_over_draws,
    correlate: Correlate = spearman,
    resample: Callable[[Correlate, np.ndarray, np.ndarray, np.ndarray], np.ndarray] = resampled,
    ends: Ends = ends_of,
) -> Callable[..., Table]:
    """The table, right or with one of its parts exchanged."""

    def table(networks: Columns, groups: np.ndarray, picks: np.ndarray) -> Table:
        n, gaps = networks["n"], settle(gap(networks), groups)
        measures = {name: rate(name, values, n) for name, values in networks.items() if name not in GIVEN}
        measures[BASELINE] = 1 / np.sqrt(n)
        means = np.stack([settle(values, groups) for values in measures.values()])
        rho, drawn = correlate(means, gaps), resample(correlate, means, gaps, picks)
        rows = (np.array([rho[k], *ends(drawn[k], drawn[-1], rho[k], rho[-1])]) for k in range(len(rho)))
        return dict(zip(measures, rows, strict=True))

    return table


def draw_networks(
    rng: np.random.Generator,
    n: np.ndarray,
    draws: np.ndarray,
    *,
    follows: float = 1.0,
    level: float = 0.0,
    rounded: float | None = None,
) -> tuple[Columns, np.ndarray]:
    """Columns of networks and their settings' numbers, in no order; ``n`` and ``draws`` have an entry a setting.

    ``follows`` is the slope of the gap in the information rate, ``level`` is added to it; ``rounded`` the unit of
    information and losses. Ties of settings need one number of draws, at most 3: the sum of three equal numbers does
    not depend on the order, and a mean of equals is the same for all. Where the numbers of draws differ, the sizes
    have to be powers of 4, so that ties come of exact roots.
    """
    setting = np.repeat(np.arange(len(n)), draws)
    size = n[setting].astype(np.float64)
    bits = rng.uniform(0, 3, len(n))[setting] + rng.exponential(0.6, len(setting))
    width = rng.permutation(np.resize([32, 64, 128], len(n)))[setting]
    norms = np.exp(rng.normal(3, 0.7, len(n)))[setting] * rng.uniform(0.7, 1.4, len(setting))
    gap = level + follows * np.sqrt((bits + 1) / size) + rng.normal(0, 0.12, len(n))[setting]
    gap = gap + rng.normal(0, 0.08, len(setting))
    # Networks that train badly here have the larger test loss, whatever their gaps.
    train = rng.uniform(1.5, 2.7, len(n))[setting] + rng.uniform(0, 0.1, len(setting))
    if rounded is not None:
        bits, gap, train = (np.round(values / rounded) * rounded for values in (bits, gap, train))
    columns = {
        "train_loss": train,
        "test_loss": train + gap,
        "n": size,
        INFORMATION: bits + 1,
        PARAMETERS: width.astype(np.float64) ** 2,
        NORMS: norms,
    }
    order = rng.permutation(len(setting))
    labels = np.sort(rng.permutation(10 * len(n))[: len(n)])
    return {name: values[order] for name, values in columns.items()}, labels[setting][order]


def draw_picks(rng: np.random.Generator, settings: int, resamples: int = 100) -> np.ndarray:
    """Numbers of settings, ``(B, S)``, drawn with replacement in each row."""
    return rng.integers(settings, size=(resamples, settings))


def networks_by_hand() -> tuple[Columns, np.ndarray, np.ndarray]:
    """Networks, groups and picks of the example in the exercise."""
    networks = {
        "train_loss": np.array([0.5, 0.4, 0.2, 0.3, 0.1, 0.2, 0.6, 0.5]),
        "test_loss": np.array([0.8, 0.66, 0.4, 0.52, 0.34, 0.3, 0.65, 0.59]),
        "n": np.repeat([16.0, 64.0], 4),
        INFORMATION: np.repeat([4.0, 1.0, 9.0, 1.0], 2),
    }
    picks = np.array([[0, 0, 2, 3], [1, 2, 2, 3], [2, 2, 3, 3]])
    return networks, np.repeat([0, 1, 2, 3], 2), picks
