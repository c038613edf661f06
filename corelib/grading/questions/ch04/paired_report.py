"""Methods compared over seeds: paired tests, Holm's correction, what so few seeds can show: chapter 4, exercise 7."""

import math
from collections.abc import Callable
from functools import cache

import numpy as np
from scipy.special import ndtr, stdtr

from corelib.causal import paired_tests
from corelib.grading.compare import Raises
from corelib.grading.question import Attempt, Case, Diagnosis, Question
from corelib.grading.questions._recognise import answers_as

Errors = dict[str, np.ndarray]
Report = dict[str, dict[str, float | int | str]]
TOO_FEW, UNDECIDED, LOWER, HIGHER = "too few seeds", "undecided", "reference lower", "reference higher"


def _claim(difference: float, p: float, level: float, least: float) -> str:
    if least >= level:
        return TOO_FEW
    if p >= level:
        return UNDECIDED
    return LOWER if difference > 0 else HIGHER


def _oracle(errors: Errors, reference: str, level: float) -> Report:
    table = {name: values.mean(axis=1) for name, values in errors.items()}
    tests = paired_tests(table, reference, n_bootstrap=1)
    return {
        name: {
            "difference": test.difference,
            "wins": test.wins,
            "t_holm": test.t_holm,
            "wilcoxon_holm": test.wilcoxon_holm,
            "claim": _claim(test.difference, test.wilcoxon_holm, level, len(tests) * test.wilcoxon_least),
        }
        for name, test in tests.items()
    }


def _by_hand() -> tuple:
    graph = np.array([[1.0, 1.0], [2.0, 4.0], [1.0, 3.0], [0.0, 2.0]])
    blind = graph + np.array([[1.0, 3.0], [2.0, 4.0], [1.0, 1.0], [5.0, 3.0]])
    constant = graph + np.array([[1.0, 0.0], [-1.0, -1.0], [2.0, 2.0], [1.0, 2.0]])
    return {"graph": graph, "blind": blind, "constant": constant}, "graph", 0.3


def _draw(
    rng: np.random.Generator, seeds: int, gains: dict[str, float], level: float, *, hard: float = 1.0, n: int = 10
):
    """Squared errors around a difficulty that methods share in a seed; ``gains`` are means above the reference's."""
    difficulty = 4 + hard * rng.gamma(2.0, size=(seeds, 1)) + rng.gamma(2.0, size=(seeds, n))
    errors = {"graph": difficulty + 0.3 * rng.normal(size=(seeds, n))}
    for name, gain in gains.items():
        spread = 0.6 * abs(gain) * rng.uniform(-1, 1, (seeds, 1)) + 0.05 * rng.normal(size=(seeds, 1))
        errors[name] = difficulty + gain + spread + 0.4 * rng.normal(size=(seeds, n))
    order = rng.permutation(list(errors))
    return {str(name): errors[name] for name in order}, "graph", level


def _separate(errors: Errors, name: str, gaps: np.ndarray) -> None:
    """Move a method's errors so that they lie above the reference's by these gaps, one a seed."""
    errors[name] = errors[name] + (gaps - (errors[name] - errors["graph"]).mean(axis=1))[:, None]


def _cases(rng: np.random.Generator) -> list[Case]:
    close = {"blind": 0.15, "boosting": 0.1, "constant": 0.2, "linear": 0.1, "mlp": -0.05}
    twins = _draw(rng, 9, {"blind": 0.2, "mlp": 1.0}, 0.05)
    twins[0]["twin of blind"] = twins[0]["blind"] + 0.02 * rng.normal(size=twins[0]["blind"].shape)
    astray, (ahead, *_) = _draw(rng, 10, {"blind": 0.5}, 0.01), rng.permutation(10)
    gaps = rng.uniform(0.2, 1.0, 10)
    gaps[ahead] = 40.0
    _separate(astray[0], "blind", gaps)
    level = _draw(rng, 10, {"blind": 0.5, "mlp": 0.5}, 0.05)
    for name in ("blind", "mlp"):
        gaps = rng.normal(size=10)
        _separate(level[0], name, gaps - gaps.mean() + 0.02)
    unknown = _draw(rng, 6, {"blind": 1.0, "mlp": 1.0}, 0.05)
    ragged = _draw(rng, 7, {"blind": 1.0, "mlp": 1.0}, 0.05)
    ragged[0]["mlp"] = ragged[0]["mlp"][:-1]
    return [
        Case("the example by hand", _by_hand()),
        Case("10 seeds, all of them wins, level 0.001", _draw(rng, 10, {"blind": 2.0, "mlp": 1.5}, 0.001)),
        Case("12 seeds, 2 methods, level 0.001", _draw(rng, 12, {"blind": 2.0, "mlp": 0.1}, 0.001)),
        Case("12 seeds, 3 methods, level 0.001", _draw(rng, 12, {"blind": 2.0, "mlp": 1.0, "constant": 1.5}, 0.001)),
        Case("5 seeds, 1 method, level 0.05", _draw(rng, 5, {"blind": 2.0}, 0.05)),
        Case("seeds differ more than methods do", _draw(rng, 11, {"blind": 0.6, "mlp": 0.8}, 0.05, hard=20.0)),
        Case("five methods close to the reference", _draw(rng, 8, close, 0.05)),
        Case("two methods with nearly the same errors", twins),
        Case("one other method, better than the reference", _draw(rng, 9, {"boosting": -1.5}, 0.05)),
        Case("the reference wins at all seeds, at one of them by far", astray),
        Case("no method wins or loses on average", level),
        Case(
            "the reference is no method of the table", (unknown[0], "sage", 0.05), Raises("ValueError", ("reference",))
        ),
        Case("one method has a seed less", ragged, Raises("ValueError", ("errors",))),
    ]


def _holm(p: np.ndarray, *, monotone: bool = True, rising: bool = False) -> np.ndarray:
    """Adjusted p-values: the smallest counts m times, the largest once, or with rising factors the other way round."""
    order, factors = np.argsort(p), np.arange(1, len(p) + 1)
    raised = p[order] * (factors if rising else factors[::-1])
    adjusted = np.empty_like(p)
    adjusted[order] = (np.maximum.accumulate(raised) if monotone else raised).clip(max=1)
    return adjusted


def _student(gaps: np.ndarray, ddof: int = 1) -> float:
    return 2 * stdtr(len(gaps) - 1, -abs(gaps.mean()) / (gaps.std(ddof=ddof) / math.sqrt(len(gaps))))


@cache
def _rank_sums(n: int) -> np.ndarray:
    """Chance of each sum of the ranks 1 to n that get a positive sign, if signs were tossed."""
    chances = np.ones(1)
    for rank in range(1, n + 1):
        chances = (np.pad(chances, (rank, 0)) + np.pad(chances, (0, rank))) / 2
    return chances


def _signed_rank(gaps: np.ndarray) -> float:
    chances = _rank_sums(len(gaps))
    total = (np.argsort(np.argsort(np.abs(gaps))) + 1)[gaps > 0].sum()
    return min(1.0, 2 * min(chances[: total + 1].sum(), chances[total:].sum()))


def _seeds_of(own: np.ndarray, base: np.ndarray) -> np.ndarray:
    return own.mean(axis=1) - base.mean(axis=1)


def _nodes_of(own: np.ndarray, base: np.ndarray) -> np.ndarray:
    return (own - base).ravel()


def _two_samples(own: np.ndarray, base: np.ndarray, *, welch: bool) -> float:
    a, b = own.mean(axis=1), base.mean(axis=1)
    parts = np.array([a.var(ddof=1), b.var(ddof=1)]) / len(a)
    freedom = parts.sum() ** 2 / (parts**2).sum() * (len(a) - 1) if welch else 2 * len(a) - 2
    return 2 * stdtr(freedom, -abs(a.mean() - b.mean()) / math.sqrt(parts.sum()))


def _paired(
    test: Callable[[np.ndarray], float], gaps: Callable = _seeds_of
) -> Callable[[np.ndarray, np.ndarray], float]:
    return lambda own, base: test(gaps(own, base))


_t_over_seeds, _ranks_over_seeds = _paired(_student), _paired(_signed_rank)


def _report(
    *,
    t_test: Callable[[np.ndarray, np.ndarray], float] = _t_over_seeds,
    signed_rank: Callable[[np.ndarray, np.ndarray], float] = _ranks_over_seeds,
    adjust: Callable[[np.ndarray], np.ndarray] = _holm,
    gaps: Callable = _seeds_of,
    claim: Callable[..., str] = lambda row, level, seeds, m: _claim(
        row["difference"], row["wilcoxon_holm"], level, m * 2.0 ** (1 - seeds)
    ),
) -> Callable[..., Report]:
    """A report with one part of one's choice; tests take errors of a method and of the reference, ``(S, n)`` each."""

    def report(errors: Errors, reference: str, level: float) -> Report:
        base = errors[reference]
        others = {name: own for name, own in errors.items() if name != reference}
        t_p = adjust(np.array([t_test(own, base) for own in others.values()]))
        rank_p = adjust(np.array([signed_rank(own, base) for own in others.values()]))
        rows = {}
        for (name, own), t_adjusted, rank_adjusted in zip(others.items(), t_p, rank_p, strict=True):
            row = {"difference": float(gaps(own, base).mean()), "wins": int((gaps(own, base) > 0).sum())}
            row |= {"t_holm": float(t_adjusted), "wilcoxon_holm": float(rank_adjusted)}
            rows[name] = row | {"claim": claim(row, level, len(base), len(others))}
        return rows

    return report


def _reversed(*arguments) -> Report:
    return _report(gaps=lambda own, base: -_seeds_of(own, base))(*arguments)


def _wins_of_the_method(errors: Errors, reference: str, level: float) -> Report:
    seeds = len(errors[reference])
    return {name: row | {"wins": seeds - row["wins"]} for name, row in _oracle(errors, reference, level).items()}


def _one_family(errors: Errors, reference: str, level: float) -> Report:
    raw = _report(adjust=lambda p: p)(errors, reference, level)
    keys = [(name, key) for name in raw for key in ("t_holm", "wilcoxon_holm")]
    for (name, key), p in zip(keys, _holm(np.array([raw[name][key] for name, key in keys])), strict=True):
        raw[name][key] = float(p)
    return raw


def _with_claim(claim: Callable[[dict, float, int, int], str]) -> Callable[..., Report]:
    return _report(claim=claim)


def _same(a: np.ndarray, b: np.ndarray) -> bool:
    return np.allclose(a, b, rtol=1e-6, atol=1e-12)


def _p_like(name: str, says: str, *wrongs: Callable[..., Report]) -> Diagnosis:
    """A diagnosis by p-values alone: those of each test are right, or as in a wrong report, and not all are right."""

    def recognises(attempt: Attempt) -> bool:
        if attempt.error or isinstance(attempt.case.expect, Raises):
            return False

        def columns(report: Report) -> list[np.ndarray]:
            return [
                np.array([float(report[own][key]) for own in attempt.expected]) for key in ("t_holm", "wilcoxon_holm")
            ]

        found = columns(attempt.value)
        right = list(map(_same, found, columns(attempt.expected)))

        def shows(wrong: Callable[..., Report]) -> bool:
            return all(map(max, right, map(_same, found, columns(wrong(*attempt.case.args)))))

        return not all(right) and any(map(shows, wrongs))

    return Diagnosis(name, says, recognises)


def _claims(*wanted: str) -> Callable[[Attempt], bool]:
    """Recognises reports that claim one of these where there are too few seeds."""
    return lambda attempt: any(
        attempt.expected[name]["claim"] == TOO_FEW and row["claim"] in wanted for name, row in attempt.value.items()
    )


def _unchecked(attempt: Attempt) -> bool:
    return isinstance(attempt.case.expect, Raises) and attempt.error != "ValueError"


QUESTION = Question(
    name="ch04.paired_report",
    title="Pairs, not nodes",
    entry="paired_report",
    points=3,
    cases=_cases,
    oracle=_oracle,
    preload=("scipy.special",),
    diagnoses=(
        _p_like(
            "nodes_as_replicates",
            "You counted nodes as repetitions. Nodes of one seed share a graph, a draw and a fitted network; they are"
            " one repetition together, and p gets absurdly small by counting them apart. Average over the nodes of each"
            " seed first: S numbers a method.",
            _report(t_test=_paired(_student, _nodes_of), signed_rank=_paired(_signed_rank, _nodes_of)),
            _report(
                t_test=lambda own, base: _student((own - base)[0]),
                signed_rank=lambda own, base: _signed_rank((own - base)[0]),
            ),
            _report(
                t_test=lambda own, base: _two_samples(own.reshape(-1, 1), base.reshape(-1, 1), welch=True),
                signed_rank=_paired(_signed_rank, _nodes_of),
            ),
            _report(
                t_test=lambda own, base: _two_samples(own.reshape(-1, 1), base.reshape(-1, 1), welch=False),
                signed_rank=_paired(_signed_rank, _nodes_of),
            ),
        ),
        _p_like(
            "unpaired",
            "Your t-test takes the two columns of errors as unrelated samples. Some seeds are harder for everybody, and"
            " that scatter hides the difference: subtract seed by seed, then test the S differences against 0.",
            _report(t_test=lambda own, base: _two_samples(own, base, welch=True)),
            _report(t_test=lambda own, base: _two_samples(own, base, welch=False)),
        ),
        _p_like(
            "no_holm",
            "You compared several methods and left the p-values as they were. With m comparisons the smallest counts m"
            " times, the next m - 1 times, and so on, no one below a smaller one's, none above 1.",
            _report(adjust=lambda p: p),
        ),
        _p_like(
            "above_one",
            "A p-value above 1 is no probability. Cut the adjusted ones off at 1.",
            _report(adjust=lambda p: 2 * len(p) * _holm(p / (2 * len(p)))),  # so small that nothing is cut off
        ),
        _p_like(
            "bonferroni",
            "You multiplied every p-value by m. Holm is kinder and as safe: the smallest counts m times, the next m - 1"
            " times, the largest once.",
            _report(adjust=lambda p: (p * len(p)).clip(max=1)),
            _report(adjust=lambda p: p * len(p)),
        ),
        _p_like(
            "no_running_maximum",
            "Some adjusted p-value is below that of a method with a smaller p, as if weaker evidence counted for more."
            " After multiplying, take the running maximum in ascending order of p (np.maximum.accumulate).",
            _report(adjust=lambda p: _holm(p, monotone=False)),
        ),
        _p_like(
            "holm_reversed",
            "Your factors run the wrong way: the smallest p-value counts m times, the largest once.",
            _report(adjust=lambda p: _holm(p, rising=True)),
        ),
        _p_like(
            "not_in_place",
            "Your adjusted p-values are sorted, and so stand beside the wrong methods. Write them back where they came"
            " from: adjusted[order] = ...",
            _report(adjust=lambda p: np.sort(_holm(p))),
        ),
        _p_like(
            "both_tests_in_one_family",
            "You corrected for both tests at once, 2m p-values. They are two answers to the same m questions: adjust"
            " the t-test's m p-values and Wilcoxon's m each by themselves.",
            _one_family,
        ),
        _p_like(
            "one_sided",
            "You halved the p-values. Nobody knew beforehand who would win: both tests are two-sided.",
            _report(adjust=lambda p: _holm(p / 2)),
        ),
        _p_like(
            "normal_tail",
            "You took the tail of a normal distribution. With so few seeds the standard deviation is itself uncertain:"
            " student_p(t, S - 1).",
            _report(t_test=_paired(lambda gaps: 2 * ndtr(-abs(gaps.mean()) / gaps.std(ddof=1) * math.sqrt(len(gaps))))),
        ),
        _p_like(
            "divisor",
            "Your standard deviation has the divisor S. It was taken about the sample's own mean, so the t-test needs"
            " S - 1: ddof=1.",
            _report(t_test=_paired(lambda gaps: _student(gaps, ddof=0))),
        ),
        _p_like(
            "no_root",
            "Your t lacks the root of S: the standard error of a mean is the standard deviation by sqrt(S).",
            _report(t_test=_paired(lambda g: 2 * stdtr(len(g) - 1, -abs(g.mean()) / g.std(ddof=1)))),
        ),
        answers_as(
            "reversed",
            "Your differences are reference minus method. Asked for is method minus reference, so that above 0 and a"
            " win mean that the reference has the lower error.",
            _reversed,
        ),
        answers_as(
            "wins_of_the_method",
            "You counted the seeds at which the method has the lower error. A win is the reference's.",
            _wins_of_the_method,
        ),
        answers_as(
            "wins_over_nodes",
            "You counted nodes at which the reference is better. Errors are averaged over the nodes of a seed first,"
            " and then compared: S pairs.",
            _report(gaps=_nodes_of),
        ),
        answers_as(
            "least_unadjusted",
            "You compared 2^(1-S) with the level. That is the smallest p before the correction; with m methods the"
            " smallest one counts m times: m 2^(1-S).",
            _with_claim(
                lambda row, level, seeds, m: _claim(row["difference"], row["wilcoxon_holm"], level, 2.0 ** (1 - seeds))
            ),
        ),
        Diagnosis(
            "wilcoxon_overclaimed",
            "You claimed a difference that Wilcoxon's test cannot show. If all 10 seeds agree its p is 2/2^10 = 0.002,"
            " and no error however small makes it less; the t-test's p is no substitute. Where m 2^(1-S) is not below"
            " the level, the claim is 'too few seeds'.",
            _claims(LOWER, HIGHER),
        ),
        Diagnosis(
            "undecided_for_too_few",
            "You wrote 'undecided' where no data could have decided. Look at m 2^(1-S) first, the least that the"
            " smallest adjusted p can be: if it is not below the level, the claim is 'too few seeds'.",
            _claims(UNDECIDED),
        ),
        answers_as(
            "claims_by_t",
            "You decided by the t-test. The claim rests on Wilcoxon's adjusted p, which trusts no bell curve.",
            _with_claim(
                lambda row, level, seeds, m: _claim(row["difference"], row["t_holm"], level, m * 2.0 ** (1 - seeds))
            ),
        ),
        Diagnosis(
            "no_checks",
            "Bad input is not refused as asked. Raise a ValueError that names reference if the table lacks it, and one"
            " that names errors if the arrays differ in shape: then the seeds are not the same.",
            _unchecked,
        ),
    ),
)
