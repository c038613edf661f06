"""One node's treatment changed and all others left alone, through a graph network: chapter 4, exercise 5."""

from collections.abc import Callable

import numpy as np
import torch

from corelib.causal import gcn_operator, make_graph, treatment_contrast
from corelib.grading.compare import Close, Raises
from corelib.grading.question import Attempt, Case, Diagnosis, Question
from corelib.grading.questions._recognise import answers_as


def _predict(x: np.ndarray, t: np.ndarray, operator: np.ndarray, hidden: np.ndarray, head: np.ndarray) -> np.ndarray:
    """Outcomes ``(..., n)`` under treatments ``(..., n)``, as the set-up cell's function of the same name."""
    inputs = np.concatenate([np.broadcast_to(x, (*t.shape, x.shape[1])), t[..., None]], axis=-1)
    return operator @ np.maximum(operator @ inputs @ hidden, 0) @ head


def _contrast(flip: str) -> Callable[..., np.ndarray]:
    def effects(x, t, *network):
        def predict(treatments: torch.Tensor) -> torch.Tensor:
            return torch.from_numpy(_predict(x, treatments.numpy(), *network))

        return treatment_contrast(predict, torch.from_numpy(t), flip=flip).numpy()

    return effects


_oracle = _contrast("unit")


def _star(leaves: int) -> np.ndarray:
    ends = np.array([np.zeros(leaves, dtype=np.int64), np.arange(1, leaves + 1)])
    return np.concatenate([ends, ends[::-1]], axis=1)


def _operator(edge_index: np.ndarray | torch.Tensor, n: int) -> np.ndarray:
    return gcn_operator(torch.as_tensor(edge_index), n).to_dense().numpy()


def _by_hand() -> tuple:
    t = np.array([0.0, 1.0, 0.0, 1.0, 0.0])
    return np.zeros((5, 1)), t, _operator(_star(4), 5), np.array([[1.0], [1.0]]), np.array([1.0])


def _network(rng: np.random.Generator, operator: np.ndarray, t: np.ndarray, d: int = 3, width: int = 4) -> tuple:
    hidden = rng.normal(size=(d + 1, width))
    hidden[-1] *= 2  # so that ReLUs open and close with the treatment
    return rng.normal(size=(len(t), d)), t, operator, hidden, rng.normal(size=width)


def _cases(rng: np.random.Generator) -> list[Case]:
    def graph(kind: str, n: int) -> np.ndarray:
        return _operator(make_graph(kind, n, mean_degree=4, seed=int(rng.integers(2**31))), n)

    def arms(n: int) -> np.ndarray:
        return rng.permutation(np.arange(n) < 0.4 * n).astype(float)

    part = arms(36)
    part[rng.permutation(36) < 11] = float(rng.uniform(0.25, 0.45))
    above, missing = arms(20), arms(20)
    above[int(rng.integers(20))] = 1.5
    missing[int(rng.integers(20))] = np.nan
    lonely = graph("er", 15)
    lonely[-1], lonely[:, -1] = 0.0, 0.0
    lonely[-1, -1] = 1.0
    return [
        Case("the star by hand: all ReLUs are open", _by_hand()),
        Case("a graph with hubs, 40 nodes", _network(rng, graph("ba", 40), arms(40))),
        Case("held-out nodes have the treated share for a treatment", _network(rng, graph("ws", 36), part)),
        Case("everybody is treated", _network(rng, graph("ba", 24), np.ones(24))),
        Case("nobody is treated", _network(rng, graph("ba", 24), np.zeros(24))),
        Case("one node has no neighbours", _network(rng, lonely, arms(15))),
        Case("a graph of one node", _network(rng, np.ones((1, 1)), np.ones(1), width=6)),
        Case("a treatment is 1.5", _network(rng, graph("ba", 20), above), Raises("ValueError", ("t",))),
        Case("a treatment is NaN", _network(rng, graph("ba", 20), missing), Raises("ValueError", ("t",))),
    ]


def _flipped(x, t, *network, one: Callable[[np.ndarray], np.ndarray], other: Callable[[np.ndarray], np.ndarray]):
    """For each node its own prediction under one treatment minus that under another, both functions of its t."""
    both = []
    for own in (one(t), other(t)):
        treatments = np.tile(t, (len(t), 1))
        np.fill_diagonal(treatments, own)
        both.append(_predict(x, treatments, *network))
    return both[0] - both[1]


def _treated_or_not(x, t, *network) -> np.ndarray:
    """Change at node j, column, from treating node i, row."""
    return _flipped(x, t, *network, one=np.ones_like, other=np.zeros_like)


def _left_behind(first: float) -> Callable[..., np.ndarray]:
    """Treatments that are written into one array, ``first`` and then the other, and not put back."""

    def effects(x, t, *network):
        t, found = t.copy(), np.empty(len(t))
        for i in range(len(t)):
            outcome = {}
            for arm in (first, 1 - first):
                t[i] = arm
                outcome[arm] = _predict(x, t, *network)[i]
            found[i] = outcome[1] - outcome[0]
        return found

    return effects


def _flip(x, t, *network) -> np.ndarray:
    return np.diag(_flipped(x, t, *network, one=lambda t: 1 - t, other=lambda t: t))


def _linear(x, t, operator, hidden, head):
    return np.diag(operator @ operator) * (hidden[-1] @ head)


def _unchecked(attempt: Attempt) -> bool:
    return isinstance(attempt.case.expect, Raises) and attempt.error != "ValueError"


QUESTION = Question(
    name="ch04.s_learner",
    title="Flip one node, and only one",
    entry="s_learner",
    points=3,
    cases=_cases,
    oracle=_oracle,
    compare=Close(rtol=1e-9, atol=1e-11),
    diagnoses=(
        answers_as(
            "global_flip",
            "You changed everybody's treatment at once. That is what a policy for all would do to the node, its"
            " neighbours' treatments included: 1.325 at the hub of the star, where its own treatment does 0.44. Change"
            " t[i] alone, read off node i, and do so for each i.",
            _contrast("global"),
        ),
        answers_as(
            "everyone_against_now",
            "You compared a world in which all are treated (or none) with the one that is. Asked for is one node's own"
            " treatment: t with t[i] = 1 against t with t[i] = 0, all others as they are.",
            lambda x, t, *net: _predict(x, np.ones_like(t), *net) - _predict(x, t, *net),
            lambda x, t, *net: _predict(x, t, *net) - _predict(x, np.zeros_like(t), *net),
        ),
        answers_as(
            "others_untreated",
            "You changed one node at a time, and set all others to 0. Their messages reach the node too, and a ReLU"
            " answers differently when they are treated: leave them as t has them.",
            lambda x, t, *net: np.diag(_treated_or_not(x, np.zeros_like(t), *net)),
        ),
        answers_as(
            "not_restored",
            "You wrote node i's 0 or 1 into t and left it there, so that every later node sees the neighbours that you"
            " changed. Start from a fresh copy of t for each node.",
            _left_behind(1.0),
            _left_behind(0.0),
        ),
        answers_as(
            "flipped_from_observed",
            "You compared 1 - t[i] with t[i]. That reverses the sign at treated nodes, and where t[i] is the share 0.3"
            " it is a change of 0.4, not of 1. Set t[i] to 1 and to 0, whatever it was.",
            _flip,
            lambda x, t, *net: np.where(t > 0.5, -1, 1) * _flip(x, t, *net),
            lambda x, t, *net: (1 - 2 * t) * _flip(x, t, *net),
        ),
        answers_as(
            "summed_over_nodes",
            "You added up what node i's treatment does to all nodes. Its effect is the change at node i itself: keep"
            " element i of the difference.",
            lambda *args: _treated_or_not(*args).sum(axis=1),
        ),
        answers_as(
            "averaged_over_nodes",
            "You averaged over all nodes what node i's treatment does. Its effect is the change at node i itself: keep"
            " element i of the difference.",
            lambda *args: _treated_or_not(*args).mean(axis=1),
        ),
        answers_as(
            "linear_formula",
            "The diagonal of the squared operator times a weight is right where every ReLU stays open, as in the star."
            " Here a treatment opens and closes them: call predict with t[i] at 1 and at 0.",
            _linear,
        ),
        answers_as(
            "treated_nodes_only",
            "Nodes that are not treated have an effect of 0 in your answer. They have one as well: what treating them"
            " would do.",
            lambda x, t, *net: _oracle(x, t, *net) * (t > 0.5),
            lambda x, t, *net: _oracle(x, t, *net) * (t > 0),
        ),
        answers_as(
            "arms_swapped",
            "All signs are reversed. The effect is t[i] = 1 minus t[i] = 0.",
            lambda *args: -_oracle(*args),
        ),
        Diagnosis(
            "no_checks",
            "Bad input is not refused. Raise a ValueError that names t if a treatment is outside [0, 1] or NaN."
            " Comparisons with NaN are false: ask whether all lie inside, not whether one lies outside.",
            _unchecked,
        ),
    ),
)
