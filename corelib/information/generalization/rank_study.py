"""Does a measure order networks by their generalization gap? Rank correlations with intervals that respect the design.

A row is one trained network. Rows of one *group* share every hyperparameter and differ in the training set drawn; they
are no independent evidence about a measure, so they are averaged before anything is ranked, and intervals resample
groups. The size n of the training set orders gaps by itself, so every table compares against a baseline, 1/sqrt(n).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats


@dataclass(frozen=True)
class RankRow:
    """One measure in a :class:`CorrelationTable`.

    Attributes:
        measure: its name.
        spearman: of group means of measure and gap; likewise ``kendall`` (tau-b) and ``pearson``.
        lo: lower end of the 95 % bootstrap interval of ``spearman``; ``hi`` the upper end.
        diff: ``spearman`` minus the baseline's.
        diff_lo: lower end of the 95 % interval of ``diff``, both taken in the same resamples; ``diff_hi`` the upper.
        dropped: resamples left out because measure, baseline or gap was constant in them.
    """

    measure: str
    spearman: float
    kendall: float
    pearson: float
    lo: float
    hi: float
    diff: float
    diff_lo: float
    diff_hi: float
    dropped: int


@dataclass(frozen=True)
class CorrelationTable:
    """Measures against the gap. ``table[name]`` is a row, ``print(table)`` sorts them by Spearman's coefficient.

    Attributes:
        rows: in the order of the measures given.
        baseline: name of the measure that differences refer to.
        n_groups: groups ranked and resampled.
        n_boot: resamples.
    """

    rows: tuple[RankRow, ...]
    baseline: str
    n_groups: int
    n_boot: int

    def __getitem__(self, measure: str) -> RankRow:
        for row in self.rows:
            if row.measure == measure:
                return row
        raise KeyError(f"{measure!r}; the table has {', '.join(row.measure for row in self.rows)}")

    def ranked(self) -> list[RankRow]:
        """Rows from the largest Spearman coefficient to the smallest."""
        return sorted(self.rows, key=lambda row: -row.spearman)

    def __str__(self) -> str:
        width = max(len("measure"), *(len(row.measure) for row in self.rows))
        lines = [
            f"{'measure':<{width}}  Spearman  [95 % interval]  Kendall  Pearson  minus {self.baseline} [95 % interval]"
        ]
        for row in self.ranked():
            line = f"{row.measure:<{width}}  {row.spearman:+8.2f}  [{row.lo:+.2f}, {row.hi:+.2f}]"
            line += f"  {row.kendall:+7.2f}  {row.pearson:+7.2f}"
            if row.measure != self.baseline:
                line += f"  {row.diff:+.2f} [{row.diff_lo:+.2f}, {row.diff_hi:+.2f}]"
            lines.append(line)
        dropped = max(row.dropped for row in self.rows)
        lines.append(f"{self.n_groups} groups, {self.n_boot} resamples of them, at most {dropped} left out")
        return "\n".join(lines)


def average_over_draws(values: Sequence[float] | np.ndarray, groups: Sequence | np.ndarray) -> np.ndarray:
    """Mean of the rows of each group, in ascending order of the groups' names.

    Args:
        values: one a row, shape ``(R,)``.
        groups: name or number of each row's group, shape ``(R,)``.

    Returns:
        Shape ``(S,)``. Equal rows have exactly their value as mean, and the order of rows changes no bit, so that ties
        stay ties.

    Raises:
        ValueError: other shapes, values not finite, or a group that is NaN.
    """
    groups = np.asarray(groups)
    if groups.ndim != 1 or len(groups) == 0:
        raise ValueError(f"groups has shape {groups.shape}; expected (R,), R >= 1")
    values = _column("values", values, len(groups))
    inverse = _codes("groups", groups)
    # Sorted, so that the same draws in another order have the same mean to the last bit.
    values = values[np.lexsort((values, inverse))]
    starts, counts = np.unique(np.sort(inverse), return_index=True, return_counts=True)[1:]
    start = values[starts]
    return start + np.add.reduceat(values - np.repeat(start, counts), starts) / counts


def correlation_table(
    gap: Sequence[float] | np.ndarray,
    measures: Mapping[str, Sequence[float] | np.ndarray],
    *,
    groups: Sequence | np.ndarray,
    baseline: str = "1/sqrt(n)",
    n_boot: int = 1000,
    seed: int = 0,
) -> CorrelationTable:
    """Correlate each measure with the gap over groups, with bootstrap intervals and paired differences to a baseline.

    The bootstrap draws groups with replacement, the same ones for every measure. It answers for the choice of
    settings; that all of them may share a few training sets it cannot see.

    Args:
        gap: test minus train (not the reverse), one a network, shape ``(R,)``, in units of the loss.
        measures: name to values, each ``(R,)``, oriented so that larger should mean a larger gap.
        groups: setting of each network, shape ``(R,)``; networks of one setting are averaged first.
        baseline: one of the measures. Where n does not vary 1/sqrt(n) orders nothing; name another one there.
        n_boot: resamples, >= 100.
        seed: of the resampling.

    Returns:
        A :class:`CorrelationTable`.

    Raises:
        ValueError: no baseline among the measures, shapes that differ, values not finite, fewer than three groups,
            a gap or a measure that is constant over groups, ``n_boot < 100``.

    Source: Kawaguchi et al. (2023) for the three coefficients, without groups and intervals.
    """
    if baseline not in measures:
        raise ValueError(f"measures has no {baseline!r}; expected the baseline among {', '.join(measures)}")
    if isinstance(n_boot, bool) or not isinstance(n_boot, int | np.integer) or n_boot < 100:
        raise ValueError(f"n_boot is {n_boot!r}; expected an integer >= 100")
    gap = np.asarray(gap, dtype=np.float64)
    if len(gap.shape) != 1 or gap.shape != np.shape(groups):
        raise ValueError(f"gap and groups have shapes {gap.shape}, {np.shape(groups)}; expected equal (R,)")
    columns = {name: _column(f"measure {name!r}", values, len(gap)) for name, values in measures.items()}
    gap = _varying("gap", average_over_draws(_column("gap", gap, len(gap)), groups))
    means = {name: _varying(f"measure {name!r}", average_over_draws(v, groups)) for name, v in columns.items()}
    n_groups = len(gap)
    picks = np.random.default_rng(seed).integers(n_groups, size=(n_boot, n_groups))
    gap_ranks = _unit_ranks(gap[picks])
    resampled = {name: (_unit_ranks(values[picks]) * gap_ranks).sum(1) for name, values in means.items()}
    reference, base = resampled[baseline], float(stats.spearmanr(means[baseline], gap).statistic)
    rows = tuple(_row(name, values, gap, resampled[name], reference, base) for name, values in means.items())
    return CorrelationTable(rows, baseline, n_groups, int(n_boot))


@dataclass(frozen=True)
class GranulatedKendall:
    """Kendall's tau along one hyperparameter at a time.

    Attributes:
        by_factor: factor to the mean of tau over the cells in which only this factor varies.
        psi: mean over the factors.
        cells: factor to the number of these cells.
    """

    by_factor: dict[str, float]
    psi: float
    cells: dict[str, int]


def granulated_kendall(
    measure: Sequence[float] | np.ndarray,
    gap: Sequence[float] | np.ndarray,
    factors: Mapping[str, Sequence | np.ndarray],
) -> GranulatedKendall:
    """How a measure follows the gap when only one hyperparameter changes, so that no other can lend it credit.

    Positive where a larger measure goes with a larger gap. Networks that agree in all factors (training draws) are
    averaged first. A tie of either side counts as 0, for neither order (tau-a): a measure that a factor cannot move
    has 0 along it.

    Args:
        measure: one a network, shape ``(R,)``.
        gap: test minus train, shape ``(R,)``.
        factors: hyperparameter to its value for each network, shape ``(R,)``.

    Returns:
        A :class:`GranulatedKendall`.

    Raises:
        ValueError: no factor, shapes that differ, values not finite, or a factor that never varies alone.

    Source: Jiang et al. (2020), section 3, the granulated coefficient.
    """
    measure = np.asarray(measure, dtype=np.float64)
    if measure.ndim != 1 or len(measure) == 0:
        raise ValueError(f"measure has shape {measure.shape}; expected (R,), R >= 1")
    measure, gap = _column("measure", measure, len(measure)), _column("gap", gap, len(measure))
    codes = _factor_codes(factors, len(measure))
    settings, rows = np.unique(codes, axis=0, return_inverse=True)
    measure, gap = (average_over_draws(values, rows.ravel()) for values in (measure, gap))
    by_factor, cells = {}, {}
    for position, name in enumerate(factors):
        others = np.delete(settings, position, axis=1)
        cell_of = np.unique(others, axis=0, return_inverse=True)[1].ravel()
        members = [np.flatnonzero(cell_of == c) for c in range(cell_of.max() + 1)]
        taus = [_tau_a(measure[own], gap[own]) for own in members if len(own) > 1]
        if not taus:
            raise ValueError(f"factor {name!r} never varies alone; expected networks that differ in it only")
        by_factor[name], cells[name] = float(np.mean(taus)), len(taus)
    return GranulatedKendall(by_factor, float(np.mean(list(by_factor.values()))), cells)


def within_group_spearman(
    measure: Sequence[float] | np.ndarray, gap: Sequence[float] | np.ndarray, by: Sequence | np.ndarray
) -> dict:
    """Spearman's coefficient inside each value of ``by``, which may disagree with the overall one in sign.

    Args:
        measure: one a network (or a group's mean), shape ``(R,)``.
        gap: test minus train, shape ``(R,)``.
        by: what to hold fixed, such as n or the training set, shape ``(R,)``.

    Returns:
        Value of ``by`` to coefficient, in ascending order.

    Raises:
        ValueError: shapes that differ, values not finite, fewer than three rows of one value, or a measure or gap
            constant within it.

    Source: Simpson (1951) for why to look.
    """
    by = np.asarray(by)
    if by.ndim != 1 or len(by) == 0:
        raise ValueError(f"by has shape {by.shape}; expected (R,), R >= 1")
    measure, gap = _column("measure", measure, len(by)), _column("gap", gap, len(by))
    found = {}
    for value in np.unique(by):
        own = by == value
        pair = [_varying(f"{name} where by is {value}", v[own]) for name, v in (("measure", measure), ("gap", gap))]
        found[value.item()] = float(stats.spearmanr(*pair).statistic)
    return found


def _row(
    name: str, values: np.ndarray, gap: np.ndarray, resampled: np.ndarray, reference: np.ndarray, base: float
) -> RankRow:
    kept = np.isfinite(resampled) & np.isfinite(reference)
    lo, hi = np.quantile(resampled[kept], [0.025, 0.975])
    diff_lo, diff_hi = np.quantile((resampled - reference)[kept], [0.025, 0.975])
    spearman = float(stats.spearmanr(values, gap).statistic)
    kendall, pearson = (float(f(values, gap).statistic) for f in (stats.kendalltau, stats.pearsonr))
    ends = (float(end) for end in (lo, hi, spearman - base, diff_lo, diff_hi))
    return RankRow(name, spearman, kendall, pearson, *ends, int((~kept).sum()))


def _unit_ranks(values: np.ndarray) -> np.ndarray:
    """Centred ranks of each row at unit length, so that products sum to Spearman's coefficient; NaN if constant."""
    ranks = stats.rankdata(values, axis=1) - (values.shape[1] + 1) / 2
    norms = np.linalg.norm(ranks, axis=1, keepdims=True)
    return ranks / np.where(norms > 0, norms, np.nan)


def _tau_a(a: np.ndarray, b: np.ndarray) -> float:
    agree = np.sign(a[:, None] - a) * np.sign(b[:, None] - b)
    return float(agree.sum() / (len(a) * (len(a) - 1)))


def _factor_codes(factors: Mapping[str, Sequence | np.ndarray], length: int) -> np.ndarray:
    """Factors as whole numbers, shape ``(R, F)``."""
    if len(factors) == 0:
        raise ValueError("factors is empty; expected at least one hyperparameter")
    columns = []
    for name, values in factors.items():
        values = np.asarray(values)
        if values.shape != (length,):
            raise ValueError(f"factor {name!r} has shape {values.shape}; expected ({length},)")
        columns.append(_codes(f"factor {name!r}", values))
    return np.stack(columns, axis=1)


def _codes(name: str, labels: np.ndarray) -> np.ndarray:
    """Labels as whole numbers in their order."""
    if labels.dtype.kind == "f" and np.isnan(labels).any():
        raise ValueError(f"{name} holds NaN; expected a label for every row")
    return np.unique(labels, return_inverse=True)[1]


def _column(name: str, values: Sequence[float] | np.ndarray, length: int) -> np.ndarray:
    values = np.asarray(values, dtype=np.float64)
    if values.shape != (length,):
        raise ValueError(f"{name} has shape {values.shape}; expected ({length},)")
    if not np.isfinite(values).all():
        raise ValueError(f"{name} holds NaN or infinite values; expected finite numbers")
    return values


def _varying(name: str, values: np.ndarray) -> np.ndarray:
    if len(values) < 3:
        raise ValueError(f"{name} has {len(values)} values to rank; expected at least 3")
    if (values == values[0]).all():
        raise ValueError(f"{name} is constant at {values[0]:g} and orders nothing; expected at least two values")
    return values
