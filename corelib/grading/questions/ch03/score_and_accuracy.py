"""Does compression go with generalisation? Rank correlation with a permutation test: chapter 3, exercise 5."""

import itertools
import math
from collections.abc import Callable

import numpy as np
from scipy import stats

from corelib.grading.compare import Raises
from corelib.grading.question import Attempt, Case, Diagnosis, Question
from corelib.grading.questions._recognise import answers_as
from corelib.information import rank_correlation

_ALIVE = 0.6
Result = tuple[float, float]


def _networks(rng: np.random.Generator, n: int, slope: float = 0.0, dead: int = 0, digits: int = 12) -> tuple:
    """Score, training and test accuracy of ``n`` networks; the dead ones stand at the top and amid the scores."""
    score = rng.uniform(0, 0.6, size=n)
    # Cubed noise leaves the values far from a straight line, so that ranks and values tell apart.
    test = 0.9 + 0.1 * np.tanh(slope * (score - 0.3) + 0.5 * rng.normal(size=n) ** 3)
    train = rng.uniform(0.9, 1.0, size=n)
    lost = rng.permutation(n)[:dead]
    score[lost] = np.linspace(1.0, 0.3, dead)
    train[lost], test[lost] = rng.uniform(0.48, 0.55, size=(2, dead))
    return np.round(score, digits), train, np.round(test, digits)


def _orders(rng: np.random.Generator, count: int, n: int) -> np.ndarray:
    return rng.permuted(np.tile(np.arange(n), (count, 1)), axis=1)


def _one_way_orders(rng: np.random.Generator, networks: tuple, count: int) -> np.ndarray:
    """Orders of the accuracies that give stronger correlations than the same orders of the scores do."""
    a, b = (_centred(stats.rankdata(networks[i])) for i in (0, 2))
    orders = _orders(rng, 10 * count, len(a))
    return orders[np.argsort(np.abs(a[orders] @ b) - np.abs(b[orders] @ a))[:count]]


def _cases(rng: np.random.Generator) -> list[Case]:
    five, weak = _networks(rng, 5), _networks(rng, 15, slope=1)
    all_orders = np.array(list(itertools.permutations(range(5))))
    related = np.sort(rng.uniform(0, 0.5, size=16))
    perfect = (related, rng.uniform(0.9, 1, size=16), 0.9 + related**3)
    at_the_limit = _networks(rng, 14, slope=3, dead=3)
    at_the_limit[1][int(np.argmax(at_the_limit[1]))] = _ALIVE
    constant = np.full(12, 0.25)
    same_accuracy = _networks(rng, 12, dead=2)
    same_accuracy[2][same_accuracy[1] >= _ALIVE] = 0.97
    return [
        Case("20 networks, no two alike", (*_networks(rng, 20, slope=4), _orders(rng, 199, 20))),
        Case("a weak relation, if any", (*weak, _one_way_orders(rng, weak, 199))),
        Case("eleven networks, rounded to two digits", (*_networks(rng, 11, 4, digits=2), _orders(rng, 99, 11))),
        Case("networks that share scores and accuracies", (*_networks(rng, 24, 3, digits=1), _orders(rng, 299, 24))),
        Case("two dead networks among twelve", (*_networks(rng, 12, slope=4, dead=2), _orders(rng, 99, 10))),
        Case("a training accuracy of exactly 0.6 is alive", (*at_the_limit, _orders(rng, 149, 11))),
        Case("more compression, worse test accuracy", (*_networks(rng, 18, slope=-6), _orders(rng, 199, 18))),
        Case("five networks and all 120 orders of them", (*five, all_orders)),
        Case("a perfect, curved relation", (*perfect, _orders(rng, 99, 16))),
        Case("one score for all", (constant, *_networks(rng, 12)[1:], _orders(rng, 50, 12)), _raises("score")),
        Case(
            "living networks with one test accuracy", (*same_accuracy, _orders(rng, 50, 10)), _raises("test_accuracy")
        ),
    ]


def _raises(argument: str) -> Raises:
    return Raises("ValueError", (argument,))


def _oracle(score: np.ndarray, train: np.ndarray, test: np.ndarray, permutations: np.ndarray) -> Result:
    alive = train >= _ALIVE
    observed = rank_correlation(score[alive], test[alive], n_permutations=1).rho
    # Centred average ranks are multiples of 1/2, so these sums are exact and equal ones compare equal.
    a, b = _centred(stats.rankdata(score[alive])), _centred(stats.rankdata(test[alive]))
    extreme = (np.abs(b[permutations] @ a) >= abs(b @ a)).sum()
    return observed, float((1 + extreme) / (1 + len(permutations)))


def _centred(values: np.ndarray) -> np.ndarray:
    return values - values.mean()


def _test(a: np.ndarray, b: np.ndarray, permutations: np.ndarray, p_value: Callable | None = None) -> Result:
    """Correlation of two samples as they are, and a p-value from the permuted and the observed one."""
    a, b = (_centred(v) / np.linalg.norm(_centred(v)) for v in (a, b))
    shuffled, observed = b[permutations] @ a, float(a @ b)
    return observed, float((p_value or _two_sided)(shuffled, observed))


def _two_sided(shuffled: np.ndarray, observed: float) -> float:
    return (1 + (np.abs(shuffled) >= abs(observed) - 1e-12).sum()) / (1 + len(shuffled))


def _not_counted(shuffled: np.ndarray, observed: float) -> float:
    return (np.abs(shuffled) >= abs(observed) - 1e-12).mean()


def _greater(shuffled: np.ndarray, observed: float) -> float:
    return (1 + (np.abs(shuffled) > abs(observed) + 1e-12).sum()) / (1 + len(shuffled))


def _upper(shuffled: np.ndarray, observed: float) -> float:
    return (1 + (shuffled >= observed - 1e-12).sum()) / (1 + len(shuffled))


def _same_side(shuffled: np.ndarray, observed: float) -> float:
    return _upper(shuffled * np.sign(observed), abs(observed))


def _average_ranks(values: np.ndarray) -> np.ndarray:
    return stats.rankdata(values)


def _ranks_in_order(kind: str | None) -> Callable:
    return lambda values: np.argsort(np.argsort(values, kind=kind), kind=kind).astype(float)


def _mistaken(rank: Callable = _average_ranks, p_value: Callable | None = None) -> Callable[..., Result]:
    def wrong(score: np.ndarray, train: np.ndarray, test: np.ndarray, permutations: np.ndarray) -> Result:
        alive = train >= _ALIVE
        return _test(rank(score[alive]), rank(test[alive]), permutations, p_value)

    return wrong


def _train_accuracy(score: np.ndarray, train: np.ndarray, test: np.ndarray, permutations: np.ndarray) -> Result:
    return _oracle(score, train, train, permutations)


def _ranked_before(score: np.ndarray, train: np.ndarray, test: np.ndarray, permutations: np.ndarray) -> Result:
    alive = train >= _ALIVE
    return _test(stats.rankdata(score)[alive], stats.rankdata(test)[alive], permutations)


def _permuted_score(score: np.ndarray, train: np.ndarray, test: np.ndarray, permutations: np.ndarray) -> Result:
    alive = train >= _ALIVE
    return _test(stats.rankdata(test[alive]), stats.rankdata(score[alive]), permutations)


def _shortcut(score: np.ndarray, train: np.ndarray, test: np.ndarray, permutations: np.ndarray) -> Result:
    """1 - 6 sum d^2 / (n (n^2 - 1)), which equals the correlation of ranks only where no two values tie."""
    alive = train >= _ALIVE
    a, b, n = stats.rankdata(score[alive]), stats.rankdata(test[alive]), int(alive.sum())
    observed = float(1 - 6 * ((a - b) ** 2).sum() / (n**3 - n))
    shuffled = 1 - 6 * ((a - b[permutations]) ** 2).sum(1) / (n**3 - n)
    return observed, float(_two_sided(shuffled, observed))


def _dead_kept(attempt: Attempt) -> bool:
    """With the dead kept there are more networks than the permutations order: an error, or another correlation."""
    score, train, test, _ = attempt.case.args
    if isinstance(attempt.case.expect, Raises) or (train >= _ALIVE).all():
        return False
    if attempt.error:
        return attempt.error in ("ValueError", "IndexError")
    return abs(attempt.value[0] - rank_correlation(score, test, n_permutations=1).rho) < 1e-9


def _accepts_constant(attempt: Attempt) -> bool:
    return isinstance(attempt.case.expect, Raises) and not attempt.error


def _nothing_counted(attempt: Attempt) -> bool:
    """The right correlation with a p-value that is no share of the permutations."""
    (rho, p), count = attempt.value, len(attempt.case.args[3])
    if abs(rho - attempt.expected[0]) > 1e-9 or not math.isfinite(p):
        return False
    shares = [abs(p * total - round(p * total)) for total in (count, count + 1)]
    return p == 0 or min(shares) > 1e-6


QUESTION = Question(
    name="ch03.score_and_accuracy",
    title="Do networks that compress more generalise better?",
    entry="score_and_accuracy",
    points=3,
    cases=_cases,
    oracle=_oracle,
    diagnoses=(
        answers_as(
            "train_accuracy",
            "You correlated the score with the accuracy on the training part. Generalisation shows on the test part;"
            " train_accuracy only tells which networks are alive.",
            _train_accuracy,
        ),
        answers_as(
            "pearson",
            "This is the correlation of the values (Pearson). Spearman's is the correlation of their ranks: replace"
            " each sample by its ranks first, so that one outlier or a curved relation cannot decide.",
            _mistaken(rank=lambda values: values),
        ),
        answers_as(
            "ties_by_order",
            "Equal values got different ranks, by the order in which they stand. Networks that tie share the average of"
            " their ranks: two that tie for ranks 3 and 4 both get 3.5. np.unique with return_inverse and return_counts"
            " tells who ties with whom.",
            *(_mistaken(rank=_ranks_in_order(kind)) for kind in (None, "stable")),
        ),
        answers_as(
            "shortcut_formula",
            "1 − 6 Σd² / (n (n² − 1)) equals the correlation of ranks only where no two values tie. Correlate the"
            " ranks themselves: subtract their means, divide by their norms, multiply.",
            _shortcut,
        ),
        answers_as(
            "observed_not_counted",
            "Your p-value is #/P. The observed pairing is one of the pairings that chance could have made: count it in"
            " both places, (1 + #) / (1 + P), and p is never 0.",
            _mistaken(p_value=_not_counted),
        ),
        answers_as(
            "one_sided",
            "You counted only permutations on one side. A correlation as strong in the other direction surprises as"
            " much: compare absolute values.",
            _mistaken(p_value=_upper),
            _mistaken(p_value=_same_side),
        ),
        answers_as(
            "strictly_greater",
            "You counted permutations that are more extreme. Those that are as extreme count too: |ρ_k| ≥ |ρ| − 10⁻¹²,"
            " where the margin keeps rounding from parting equals.",
            _mistaken(p_value=_greater),
        ),
        answers_as(
            "permuted_score",
            "You permuted the score. Row k of permutations says which test accuracy goes with each score: pair score[i]"
            " with test_accuracy[permutations[k, i]], counting living networks only.",
            _permuted_score,
        ),
        answers_as(
            "ranked_before_dropping",
            "You ranked all networks and dropped the dead ones afterwards, which leaves gaps in the ranks. Drop them"
            " first, then rank the living.",
            _ranked_before,
        ),
        Diagnosis(
            "no_permutation",
            "Your correlation is right, but your p-value is no share of the permutations given. Count how many of them"
            " give a correlation at least as strong: p = (1 + #) / (1 + P).",
            _nothing_counted,
        ),
        Diagnosis(
            "dead_networks_kept",
            "permutations orders the living networks only. Did you drop the dead ones, train_accuracy < 0.6, before"
            " anything is ranked or permuted? They look perfectly compressed and test at chance, and so fake a negative"
            " correlation.",
            _dead_kept,
        ),
        Diagnosis(
            "constant_accepted",
            "Where all living networks have one value there is nothing to rank, and 0/0 is no correlation. Raise a"
            " ValueError that names score or test_accuracy, after the dead are dropped.",
            _accepts_constant,
        ),
    ),
)
