"""Two ridge regressions, one an arm, and the difference of what they predict: chapter 4, exercise 5."""

from collections.abc import Callable

import numpy as np
from sklearn.linear_model import Ridge

from corelib.grading.compare import Close, Raises
from corelib.grading.question import Attempt, Case, Diagnosis, Question
from corelib.grading.questions._recognise import answers_as

Predict = Callable[[np.ndarray, np.ndarray, float, np.ndarray], np.ndarray]


def _ridge(features: np.ndarray, y: np.ndarray, alpha: float, at: np.ndarray) -> np.ndarray:
    return Ridge(alpha=alpha).fit(features, y).predict(at)


def _by_arm(predict: Predict = _ridge, *, masked: bool = True) -> Callable[..., np.ndarray]:
    """A T-learner with a regression of one's choice, that looks at all nodes of an arm unless it is masked."""

    def effects(features, y, t, train, alpha):
        rows = train if masked else np.ones(len(t), dtype=bool)
        untreated, treated = (
            predict(features[own], y[own], alpha, features) for own in (rows & (t == 0), rows & (t == 1))
        )
        return treated - untreated

    return effects


_oracle = _by_arm()


def _draw(rng: np.random.Generator, n: int, p: int, alpha: float, *, centre: float = 0.0, treated: int | None = None):
    features = rng.normal(centre, 1.0, (n, p)) * rng.uniform(0.5, 2.0, p)
    train = rng.permutation(n) < round(0.7 * n)
    t = (rng.random(n) < 0.4).astype(np.int64)
    if treated is not None:  # so many of the training nodes
        t[train] = rng.permutation(np.arange(train.sum()) < treated)
    level, gain = rng.normal(size=(2, p)) / np.sqrt(p)
    y = 2 + features @ level + t * (1 + features @ gain) + 0.5 * rng.normal(size=n)
    return features, y, t, train, alpha


def _by_hand() -> tuple:
    features = np.array([[-1.0], [1.0], [-1.0], [1.0], [3.0]])
    y = np.array([0.0, 2.0, 1.0, 7.0, 100.0])
    return features, y, np.array([0, 0, 1, 1, 0]), np.array([True, True, True, True, False]), 2.0


def _cases(rng: np.random.Generator) -> list[Case]:
    astray = _draw(rng, 50, 3, 1.0)
    astray[1][~astray[3]] += rng.normal(0, 1000, (~astray[3]).sum())
    unknown = _draw(rng, 30, 2, 1.0)
    unknown[2][int(rng.integers(30))] = 2
    hidden = _draw(rng, 30, 2, 1.0, treated=0)
    hidden[2][~hidden[3]] = 1
    return [
        Case("the example by hand", _by_hand()),
        Case("60 nodes, 3 features", _draw(rng, 60, 3, float(rng.uniform(0.5, 3)), treated=17)),
        Case("outcomes of held-out nodes are off by thousands", astray),
        Case("more features than treated nodes", _draw(rng, 41, 9, 1.0, treated=6)),
        Case("one treated training node", _draw(rng, 25, 2, 0.5, treated=1)),
        Case("features far from 0", _draw(rng, 60, 2, 5.0, centre=20.0, treated=15)),
        Case("a penalty so strong that slopes are small", _draw(rng, 60, 3, 300.0, treated=12)),
        Case("alpha is 0: least squares", _draw(rng, 60, 3, 0.0, treated=20)),
        Case("a treatment is 2", unknown, Raises("ValueError", ("t",))),
        Case("all treated nodes are held out", hidden, Raises("ValueError", ("train",))),
    ]


def _without_intercept(features, y, alpha, at):
    return at @ np.linalg.solve(features.T @ features + alpha * np.eye(features.shape[1]), features.T @ y)


def _penalised_intercept(features, y, alpha, at):
    return _without_intercept(
        *(np.column_stack([features, np.ones(len(features))]), y, alpha), np.c_[at, np.ones(len(at))]
    )


def _one_model(features, y, t, train, alpha):
    """The treatment is one more column."""
    return _contrast(lambda arm: np.column_stack([features, arm]), y, t, train, alpha)


def _one_model_with_products(features, y, t, train, alpha):
    return _contrast(lambda arm: np.column_stack([features, arm, features * arm[:, None]]), y, t, train, alpha)


def _contrast(columns, y, t, train, alpha):
    untreated, treated = np.zeros(len(t)), np.ones(len(t))
    model = Ridge(alpha=alpha).fit(columns(t.astype(float))[train], y[train])
    return model.predict(columns(treated)) - model.predict(columns(untreated))


def _one_model_free_treatment(features, y, t, train, alpha):
    """The treatment is one more column, without a penalty."""
    columns = np.column_stack([features, t, np.ones(len(t))])[train]
    penalty = np.diag(np.append(np.full(features.shape[1], alpha), [0.0, 0.0]))
    return np.full(len(t), np.linalg.solve(columns.T @ columns + penalty, columns.T @ y[train])[-2])


def _same_nodes_twice(features, y, t, train, alpha):
    return np.zeros(len(t))


def _other_arm_set_to_zero(features, y, t, train, alpha):
    untreated, treated = (_ridge(features[train], (y * (t == arm))[train], alpha, features) for arm in (0, 1))
    return treated - untreated


def _observed(features, y, t, train, alpha):
    untreated, treated = (
        _ridge(features[own], y[own], alpha, features) for own in (train & (t == 0), train & (t == 1))
    )
    return np.where(t == 1, y - untreated, treated - y)


def _unchecked(attempt: Attempt) -> bool:
    return isinstance(attempt.case.expect, Raises) and attempt.error != "ValueError"


QUESTION = Question(
    name="ch04.t_learner",
    title="One regression an arm",
    entry="t_learner",
    points=2,
    cases=_cases,
    oracle=_oracle,
    compare=Close(rtol=1e-8, atol=1e-9),
    diagnoses=(
        answers_as(
            "arms_not_masked",
            "Each of your two regressions looked at both arms. A T-learner's model of the treated learns from treated"
            " training nodes only: select the rows (train & (t == 1)). A node with y set to 0 still counts, as a node"
            " whose outcome is 0.",
            _same_nodes_twice,
            _other_arm_set_to_zero,
        ),
        answers_as(
            "single_model",
            "You fitted one regression with the treatment as a column: that is an S-learner. Both arms then share"
            " slopes or one penalty, and the effect is held back. The T is for two: fit each arm by itself, with its"
            " own slopes and intercept.",
            _one_model,
            _one_model_free_treatment,
            _one_model_with_products,
        ),
        answers_as(
            "held_out_used",
            "You learned from held-out nodes too. Their features may be seen, their y and t may not: an arm's rows are"
            " train & (t == arm). Predict for all nodes afterwards.",
            _by_arm(masked=False),
        ),
        answers_as(
            "arms_swapped",
            "All signs are reversed. The effect is treated minus untreated.",
            lambda *args: -_oracle(*args),
        ),
        answers_as(
            "no_intercept",
            "Your regressions have no intercept, so each arm's mean outcome must come from features. Centre features"
            " and y over the arm's training nodes first, and add the mean of y when you predict.",
            _by_arm(_without_intercept),
        ),
        answers_as(
            "intercept_penalised",
            "You penalised the intercept along with the slopes, which pulls each arm's mean towards 0, the smaller"
            " arm's more. Only |w|^2 costs: centre over the arm's training nodes, then solve for w.",
            _by_arm(_penalised_intercept),
        ),
        answers_as(
            "mean_loss",
            "You divided the squared errors by the number of nodes and left the penalty as it was, so that it counts"
            " as many times more. The question's loss is a sum over the arm's training nodes.",
            _by_arm(lambda features, y, alpha, at: _ridge(features, y, alpha * len(y), at)),
        ),
        answers_as(
            "observed_outcomes",
            "You subtracted a prediction from the observed outcome. That puts the node's noise into its effect, and"
            " there is no y to look at where a node is held out. Both terms are predictions.",
            _observed,
        ),
        Diagnosis(
            "no_checks",
            "Bad input is not refused. Raise a ValueError that names t if a treatment is not 0 or 1, and one that names"
            " train if an arm has no training node, before anything is fitted.",
            _unchecked,
        ),
    ),
)
