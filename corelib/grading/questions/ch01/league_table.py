"""A league table of measures of generalization, with intervals over settings: chapter 1, exercise 6."""

from collections.abc import Callable, Sequence

import numpy as np

from corelib.grading.compare import Raises
from corelib.grading.question import Attempt, Case, Diagnosis, Question
from corelib.grading.questions._recognise import answers_as
from corelib.grading.questions.ch01._league import (
    BASELINE,
    INFORMATION,
    NORMS,
    TAILS,
    Columns,
    Correlate,
    Table,
    draw_networks,
    draw_picks,
    ends_of,
    gap_of,
    interval,
    kept,
    mean_ranks,
    networks_by_hand,
    pearson,
    rate_of,
    referee,
)
from corelib.information.generalization import average_over_draws

_oracle = referee()


def _cases(rng: np.random.Generator) -> list[Case]:
    def case(label: str, n: Sequence[int], draws: int | Sequence[int], **how) -> Case:
        n = rng.permutation(n)
        draws = np.broadcast_to(draws, n.shape)
        return Case(label, (*draw_networks(rng, n, draws, **how), draw_picks(rng, len(n))))

    typical = case("18 settings, three draws of each", np.repeat([50, 200, 800], 6), 3)
    astray = case("in every third setting one draw of three went astray", np.repeat([50, 200], 9), 3)
    networks, groups, _ = astray.args
    for label in np.unique(groups)[::3]:
        lost = int(rng.choice(np.flatnonzero(groups == label)))
        for name in (INFORMATION, NORMS):
            networks[name][lost] *= 30
    unordered = case(
        "sizes of 16, 64, 256 and one to four draws", np.repeat([16, 64, 256], 5), rng.permutation(15) % 4 + 1
    )
    few = draw_networks(rng, np.array([50, 200]), np.array([3, 3]))
    same_n = draw_networks(rng, np.full(8, 100), np.full(8, 2))
    return [
        Case("the example by hand", networks_by_hand()),
        typical,
        unordered,
        case(
            "losses and information in steps of 1/16, so that settings tie", np.repeat([25, 100], 8), 2, rounded=1 / 16
        ),
        case("gaps of either sign", np.repeat([50, 200, 800], 5), 2, level=-0.2),
        case("networks that know more have the smaller gaps", np.repeat([50, 100], 7), 2, follows=-3.0),
        astray,
        case("one draw of each setting", np.repeat([50, 200, 800], 5), 1),
        case("six settings, one of them larger: 1/sqrt(n) is constant in some resamples", [50] * 5 + [200], 3),
        Case("all networks have the same n", (*same_n, draw_picks(rng, 8)), Raises("ValueError", ("n",))),
        Case("two settings", (*few, draw_picks(rng, 2)), Raises("ValueError", ("groups",))),
    ]


def _mixed(first: Callable[..., Table], rest: Callable[..., Table]) -> Callable[..., Table]:
    """Coefficients of one table, intervals of another."""

    def table(*arguments) -> Table:
        a, b = first(*arguments), rest(*arguments)
        return {name: np.append(a[name][:1], b[name][1:]) for name in a}

    return table


def _as_they_are(values: np.ndarray, groups: np.ndarray) -> np.ndarray:
    return values


def _first_draws(values: np.ndarray, groups: np.ndarray) -> np.ndarray:
    return values[np.unique(groups, return_index=True)[1]]


def _order_of_appearance(values: np.ndarray, groups: np.ndarray) -> np.ndarray:
    first = np.unique(groups, return_index=True)[1]
    return average_over_draws(values, groups)[np.argsort(first)]


def _whole_settings(networks: Columns, groups: np.ndarray, picks: np.ndarray) -> Table:
    """All rows of the settings that were picked, ranked without averages."""
    inverse = np.unique(groups, return_inverse=True)[1]
    rows = [np.flatnonzero(inverse == s) for s in range(inverse.max() + 1)]

    def resample(correlate: Correlate, values: np.ndarray, gaps: np.ndarray, picks: np.ndarray) -> np.ndarray:
        drawn = [np.concatenate([rows[s] for s in pick]) for pick in picks]
        if len({len(own) for own in drawn}) == 1:
            return correlate(values[:, np.array(drawn)], gaps[np.array(drawn)])
        return np.stack([correlate(values[:, own], gaps[own]) for own in drawn], axis=1)

    return referee(settle=_as_they_are, resample=resample)(networks, groups, picks)


def _ranked_once(correlate: Correlate, values: np.ndarray, gaps: np.ndarray, picks: np.ndarray) -> np.ndarray:
    return pearson(mean_ranks(values)[:, picks], mean_ranks(gaps)[picks])


def _ties_by_order(kind: str | None) -> Correlate:
    def ranks(values: np.ndarray) -> np.ndarray:
        return np.argsort(np.argsort(values, axis=-1, kind=kind), axis=-1, kind=kind).astype(float)

    return lambda a, b: pearson(ranks(a), ranks(b))


def _shortcut(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """1 - 6 sum d^2 / (S (S^2 - 1)), which equals the correlation of ranks only where no two values tie."""
    settings = a.shape[-1]
    return 1 - 6 * ((mean_ranks(a) - mean_ranks(b)) ** 2).sum(-1) / (settings**3 - settings)


def _with_tails(*tails: float) -> Callable[..., Table]:
    return referee(ends=kept(lambda drawn, base, *_: (*interval(drawn, tails), *interval(drawn - base, tails))))


def _normal(ddof: int) -> Callable[..., Table]:
    def around(centre: float, drawn: np.ndarray) -> tuple[float, float]:
        half = 1.96 * drawn.std(ddof=ddof)
        return centre - half, centre + half

    return referee(
        ends=kept(lambda drawn, base, rho, base_rho: (*around(rho, drawn), *around(rho - base_rho, drawn - base)))
    )


def _resamples_mean(networks: Columns, groups: np.ndarray, picks: np.ndarray) -> Table:
    table = referee(ends=kept(lambda drawn, base, *both: (drawn.mean(), *ends_of(drawn, base, *both))))
    return {name: row[1:] for name, row in table(networks, groups, picks).items()}


def _end_by_end(drawn: np.ndarray, base: np.ndarray, *_: float) -> Sequence[float]:
    return (*interval(drawn), *(interval(drawn) - interval(base)))


def _counted_as_zero(drawn: np.ndarray, base: np.ndarray, *_: float) -> Sequence[float]:
    drawn, base = np.nan_to_num(drawn), np.nan_to_num(base)
    return (*interval(drawn), *interval(drawn - base))


def _left_out_apart(drawn: np.ndarray, base: np.ndarray, *_: float) -> Sequence[float]:
    return (*np.nanquantile(drawn, TAILS), *np.nanquantile(drawn - base, TAILS))


def _has_row(*names: str) -> Callable[[Attempt], bool]:
    return lambda attempt: isinstance(attempt.value, dict) and any(name in attempt.value for name in names)


def _lacks_baseline(attempt: Attempt) -> bool:
    return isinstance(attempt.value, dict) and INFORMATION in attempt.value and BASELINE not in attempt.value


def _not_finite(attempt: Attempt) -> bool:
    value = attempt.value
    return isinstance(value, dict) and not all(
        np.isfinite(np.asarray(row, dtype=float)).all() for row in value.values()
    )


def _right_up_to(columns: int) -> Callable[[Attempt], bool]:
    """Recognises tables whose first columns are right, the others wrong but finite."""

    def recognises(attempt: Attempt) -> bool:
        if attempt.mutated or attempt.value.keys() != attempt.expected.keys() or _not_finite(attempt):
            return False
        found, right = (np.array([rows[k] for k in attempt.expected]) for rows in (attempt.value, attempt.expected))
        return found.shape == right.shape and np.allclose(found[:, :columns], right[:, :columns], rtol=0, atol=1e-9)

    return recognises


QUESTION = Question(
    name="ch01.league_table",
    title="Referee the league table",
    entry="league_table",
    points=4,
    cases=_cases,
    oracle=_oracle,
    diagnoses=(
        Diagnosis(
            "test_loss_as_measure",
            "A loss has a row in your table. The test loss is half of the gap: it knows the answer, and whoever has it"
            " needs no measure. train_loss and test_loss make the gap, n makes the rates; only the other columns"
            " compete.",
            _has_row("test_loss", "train_loss"),
        ),
        Diagnosis(
            "no_baseline",
            "The row '1/sqrt(n)' is missing. It knows nothing but the size of the training set, and every rate has to"
            " be seen beside it: give the columns one more competitor, of capacity 1.",
            _lacks_baseline,
        ),
        answers_as(
            "draws_as_rows",
            "You ranked networks. Those of one setting differ only in the training set drawn and are no independent"
            " evidence: take their mean first, one number a setting, and rank the settings.",
            referee(settle=_as_they_are),
            _whole_settings,
            _mixed(referee(settle=_as_they_are), _oracle),
        ),
        answers_as(
            "rows_resampled",
            "Your coefficients are those of settings, your intervals those of networks. picks holds numbers of"
            " settings: resample the means, not the rows.",
            _mixed(_oracle, referee(settle=_as_they_are)),
            _mixed(_oracle, _whole_settings),
        ),
        answers_as(
            "one_draw",
            "You took one draw of each setting. The gap of one training set has a random part of its own: average over"
            " all draws of the setting.",
            referee(settle=_first_draws),
        ),
        answers_as(
            "without_n",
            "You ranked the capacities as they are, against a baseline that knows n. Gaps shrink with n, so whoever is"
            " not given n loses for that alone. Everybody gets it: sqrt(capacity / n).",
            referee(rate=lambda name, capacity, n: capacity),
            referee(rate=lambda name, capacity, n: np.sqrt(capacity)),
        ),
        answers_as(
            "n_for_the_favourite",
            "The information was divided by n and its competitors were not: that race was decided before it began."
            " Every column of the table is ranked as sqrt(capacity / n).",
            referee(rate=lambda name, capacity, n: rate_of(name, capacity, n) if name == INFORMATION else capacity),
        ),
        answers_as(
            "gap_sign",
            "Your coefficients have the wrong sign: the gap is test minus train, so that a larger gap is worse.",
            referee(gap=lambda networks: -gap_of(networks)),
        ),
        answers_as(
            "absolute_gap",
            "You took the size of the gap without its sign. A test loss below the training loss is a small gap, not a"
            " large one: test minus train, nothing else.",
            referee(gap=lambda networks: np.abs(gap_of(networks))),
        ),
        answers_as(
            "clipped_gap",
            "You cut the gap off at 0. A negative gap is still smaller than one of 0, and the ranks need to know: test"
            " minus train, nothing else.",
            referee(gap=lambda networks: np.maximum(gap_of(networks), 0.0)),
        ),
        answers_as(
            "test_loss_for_gap",
            "You correlated with the test loss. It is large wherever training went badly, whatever the generalization:"
            " the gap is test_loss - train_loss.",
            referee(gap=lambda networks: networks["test_loss"]),
        ),
        answers_as(
            "relative_gap",
            "You divided the gap by the training loss, and so rank how well a network trains as well. The gap is a"
            " difference, test_loss - train_loss, in the unit of the loss.",
            referee(gap=lambda networks: gap_of(networks) / networks["train_loss"]),
            referee(gap=lambda networks: gap_of(networks) / networks["test_loss"]),
        ),
        answers_as(
            "root_of_the_mean",
            "You averaged capacities and made the rate of the mean. Every network has a rate of its own, a square root;"
            " average those.",
            referee(rate=lambda name, capacity, n: capacity / n),  # ranks as their roots do
        ),
        answers_as(
            "median_draw",
            "You took the median over the draws of a setting; asked for is their mean.",
            referee(settle=lambda v, g: np.array([np.median(v[g == label]) for label in np.unique(g)])),
        ),
        answers_as(
            "order_of_appearance",
            "Your coefficients are right, but your settings stand in the order in which they first appear. picks counts"
            " them by ascending label, as np.unique(groups) does: number 0 is the smallest label.",
            referee(settle=_order_of_appearance),
        ),
        answers_as(
            "pearson",
            "This is the correlation of the values (Pearson). Spearman's is that of their ranks: mean_ranks first.",
            referee(correlate=pearson),
        ),
        answers_as(
            "ties_by_order",
            "Equal values got different ranks, by the order in which they stand. Settings of one n tie in 1/sqrt(n),"
            " and a setting that a resample holds twice ties with itself: they share their mean rank. mean_ranks in the"
            " set-up cell does that.",
            *(referee(correlate=_ties_by_order(kind)) for kind in (None, "stable")),
        ),
        answers_as(
            "shortcut_formula",
            "1 − 6 Σd² / (S (S² − 1)) is Spearman's coefficient only where no two values tie, and every resample has"
            " ties. Correlate the ranks themselves.",
            referee(correlate=_shortcut),
        ),
        answers_as(
            "ranked_once",
            "You ranked all settings once and resampled the ranks. A resample is a sample like any other: pick its"
            " values first, then rank them among themselves.",
            referee(resample=_ranked_once),
        ),
        answers_as(
            "gap_not_resampled",
            "You resampled the measure and left the gap where it was, so that nothing belongs together any more. One"
            " row of picks draws settings: measure, baseline and gap go with them.",
            referee(resample=lambda correlate, values, gaps, picks: correlate(values[:, picks], gaps)),
        ),
        answers_as(
            "ends_subtracted",
            "You subtracted the ends of two intervals from each other. A quantile of a difference is no difference of"
            " quantiles: subtract within each resample, then take the quantiles.",
            referee(ends=kept(_end_by_end)),
        ),
        answers_as(
            "baseline_not_resampled",
            "You subtracted the baseline's coefficient of all settings from every resample. It is as uncertain as the"
            " measure's: both come from the same resample.",
            referee(ends=kept(lambda drawn, base, rho, base_rho: (*interval(drawn), *interval(drawn - base_rho)))),
        ),
        answers_as(
            "difference_reversed",
            "Your difference is baseline minus measure. Asked for is measure minus baseline: above 0 where the measure"
            " orders better than n alone.",
            referee(ends=kept(lambda drawn, base, *_: (*interval(drawn), *interval(base - drawn)))),
        ),
        answers_as(
            "interval_90",
            "These are the quantiles 0.05 and 0.95, an interval of 90 %. Of 95 % it leaves out 0.025 on either side.",
            _with_tails(0.05, 0.95),
        ),
        answers_as(
            "ends_swapped",
            "Upper and lower ends are swapped. The order is coefficient, lo, hi, diff_lo, diff_hi, from the quantiles"
            " 0.025, 0.975, 0.025, 0.975.",
            _with_tails(0.975, 0.025),
        ),
        answers_as(
            "normal_interval",
            "You put 1.96 standard deviations around the coefficient. A correlation near 1 has no room above it and its"
            " resamples are lopsided: take their quantiles 0.025 and 0.975.",
            _normal(0),
            _normal(1),
        ),
        answers_as(
            "mean_of_resamples",
            "Your coefficient is the mean over resamples. It belongs to the settings themselves; the resamples make"
            " the intervals only.",
            _resamples_mean,
        ),
        answers_as(
            "constant_counts_zero",
            "Resamples in which something is constant count as a coefficient of 0 in your intervals. There 0/0 is no"
            " number at all: leave them out.",
            referee(ends=_counted_as_zero),
        ),
        answers_as(
            "left_out_apart",
            "You leave out of each interval what is NaN in it alone, so that a row's two intervals rest on different"
            " resamples. Leave out of both those in which the row's or the baseline's coefficient is missing.",
            referee(ends=_left_out_apart),
        ),
        Diagnosis(
            "constant_not_left_out",
            "There is NaN in your table. With few settings a resample can hold one n only; then 1/sqrt(n) is constant"
            " and its coefficient 0/0. Leave such resamples out before you take quantiles.",
            _not_finite,
        ),
        Diagnosis(
            "unpaired",
            "All is right but the intervals of the difference. Did you resample measure and baseline apart, or put"
            " their two intervals together? Much of their scatter is shared: subtract within each resample, then take"
            " the quantiles.",
            _right_up_to(3),
        ),
        Diagnosis(
            "own_picks",
            "Your coefficients are right, your intervals are not. Resample b is made of the settings picks[b]: nothing"
            " is drawn at random here. Both intervals run from the quantile 0.025 to 0.975, of the coefficients and of"
            " the differences.",
            _right_up_to(1),
        ),
        Diagnosis(
            "no_checks",
            "Bad input is not refused. Raise a ValueError that names n if it is the same for all networks, and one that"
            " names groups if there are fewer than three settings, before anything is ranked.",
            lambda attempt: isinstance(attempt.case.expect, Raises) and attempt.error != "ValueError",
        ),
    ),
)
