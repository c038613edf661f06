"""Dual ascent that holds the information in a code at a wanted value: chapter 1, exercise 5."""

from collections.abc import Callable

import numpy as np

from corelib.grading.compare import Raises
from corelib.grading.question import Case, Diagnosis, Question
from corelib.grading.questions._recognise import accepts, answers_as

Run = tuple[np.ndarray, np.ndarray, np.ndarray]

# The set-up cell of the exercise defines the same encoder: z_k = w_k x_k + noise, the label is sum_k a_k x_k.
SIGNAL = np.array([2.0, 1.0, 0.5, 0.1])  # a_k squared
DECAY = 0.1


def information(weights: np.ndarray) -> np.ndarray:
    """I(X;Z) of every model, nats, shape ``(E,)``."""
    return 0.5 * np.log1p(weights**2).sum(-1)


def loss(weights: np.ndarray) -> np.ndarray:
    """Expected squared error of the best reading of the label, with weight decay, shape ``(E,)``."""
    return (SIGNAL / (1 + weights**2) + 0.5 * DECAY * weights**2).sum(-1)


def _slopes(weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Gradients of loss and information, ``(E, K)`` each."""
    left = 1 / (1 + weights**2)  # share of a coordinate's variance that its code leaves open
    return weights * (DECAY - 2 * SIGNAL * left**2), weights * left


# What a mistake may change: the pull on the weights, made of both slopes, the multiplier and the gap c - I, all with a
# leading axis of models, and the multiplier's next value.
Pull = Callable[[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray], np.ndarray]
Next = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]


def _pull(of_loss, of_information, multiplier, gap, rate):
    return of_loss - multiplier * of_information


def _next(multiplier, gap, rate):
    return multiplier + rate * gap


def _descent(pull: Pull = _pull, following: Next = _next, *, late: bool = False) -> Callable[..., Run]:
    """The loop, right or with one rule changed; ``late`` moves the multiplier by the information after the step."""

    def run(weights: np.ndarray, target: np.ndarray, lr: float, rate: np.ndarray, steps: int) -> Run:
        weights, multiplier, step_rate = weights.copy(), np.zeros(len(target)), rate[:, None]
        multipliers, held = [multiplier], [information(weights)]
        for _ in range(steps):
            gap = target - held[-1]
            slopes = _slopes(weights)
            weights = weights - lr * pull(*slopes, multiplier[:, None], gap[:, None], step_rate)
            held.append(information(weights))
            multiplier = following(multiplier, target - held[-1] if late else gap, rate)
            multipliers.append(multiplier)
        return weights, np.array(multipliers), np.array(held)

    return run


_oracle = _descent()


def _cases(rng: np.random.Generator) -> list[Case]:
    def start(models: int) -> np.ndarray:
        return rng.normal(size=(models, 4))

    def near(weights: np.ndarray, least: float, most: float) -> np.ndarray:
        return information(weights) + rng.uniform(least, most, len(weights))

    lr, quick, slow = float(rng.uniform(0.15, 0.25)), 0.05, 0.01
    full, empty, mixed, long = 1.5 + rng.uniform(size=(3, 4)), 0.3 * start(3), start(5), start(4)
    targets, rates = rng.uniform(0.5, 3.0, size=5), rng.uniform(slow, 0.2, size=5)
    far_targets = np.array([0.6, 1.4, 2.0, 2.9]) + rng.uniform(-0.1, 0.1, size=4)
    unheld = np.array([0.0, quick, 0.0, quick, 0.0])
    bad = rates.copy()
    bad[int(rng.integers(5))] = -0.05
    return [
        Case("the example by hand: two steps", (np.ones((1, 4)), np.array([1.0]), 0.1, np.array([0.5]), 2)),
        Case("all models know more than they should", (full, near(full, -1.5, -0.8), lr, np.full(3, quick), 12)),
        Case("all models know less than they should", (empty, near(empty, 0.8, 1.5), lr, np.full(3, quick), 12)),
        Case("five models, each with a target and a rate of its own", (mixed, targets, lr, rates, 30)),
        Case("the second of those five alone: nothing changes for it", (mixed[1:2], targets[1:2], lr, rates[1:2], 30)),
        Case("rate 0 is plain descent", (mixed, targets, lr, np.zeros(5), 30)),
        Case("held and free models side by side", (mixed, targets, lr, unheld, 30)),
        Case(
            "a target below 0, out of reach: the multiplier falls on and on",
            (full, np.full(3, -0.5), lr, np.full(3, quick), 30),
        ),
        Case("no step at all", (mixed, targets, lr, rates, 0)),
        Case("400 steps: held at the target", (long, far_targets, 0.2, np.full(4, quick), 400)),
        Case("one target for five models", (mixed, targets[:1], lr, rates, 3), Raises("ValueError", ("target",))),
        Case("a negative rate", (mixed, targets, lr, bad, 3), Raises("ValueError", ("rate",))),
    ]


def _negated(*arguments) -> Run:
    weights, multipliers, held = _oracle(*arguments)
    return weights, -multipliers, held


def _shared(move: Callable[[np.ndarray, np.ndarray], np.ndarray], *, column: bool = False) -> Callable[..., Run]:
    """One multiplier for all models, which ``move(gap, rate)`` moves; ``column`` reports it once and not for each."""
    loop = _descent(following=lambda m, gap, rate: m + move(gap, rate))

    def run(*arguments) -> Run:
        weights, multipliers, held = loop(*arguments)
        return weights, multipliers[:, 0] if column else multipliers, held

    return run


def _multiplier_first(through: float) -> Callable[..., Run]:
    return _descent(lambda f, i, m, gap, rate: f - (m + through * rate * gap) * i)


_SHARED_MOVES = (
    lambda gap, rate: np.mean(rate * gap),
    lambda gap, rate: np.sum(rate * gap),
    lambda gap, rate: rate * np.mean(gap),
    lambda gap, rate: rate * np.sum(gap),
    lambda gap, rate: np.mean(rate) * np.mean(gap),
)

QUESTION = Question(
    name="ch01.hold_information",
    title="A price that finds itself",
    entry="hold_information",
    points=4,
    cases=_cases,
    oracle=_oracle,
    diagnoses=(
        answers_as(
            "clamped",
            "Your multiplier never goes below 0. That is the rule for I ≥ c: it rewards a code that knows too little"
            " and lets one that knows too much go free. To hold I at c from both sides it needs both signs.",
            _descent(following=lambda m, gap, rate: np.maximum(m + rate * gap, 0.0)),
        ),
        answers_as(
            "clamped_above",
            "Your multiplier never goes above 0. That is the rule for I ≤ c: it lets a code that knows too little go"
            " free. To hold I at c from both sides the multiplier needs both signs.",
            _descent(following=lambda m, gap, rate: np.minimum(m + rate * gap, 0.0)),
        ),
        answers_as(
            "sign_of_the_update",
            "Your multiplier moves the wrong way: it grows when I is above c, rewards information that is too much"
            " already, and runs away. Add rate · (c − I).",
            _descent(following=lambda m, gap, rate: m - rate * gap),
        ),
        answers_as(
            "sign_of_the_pull",
            "The multiplier moves as it should, but its pull on the weights has the wrong sign. The gradient of"
            " λ (c − I) is −λ ∇I.",
            _descent(lambda f, i, m, gap, rate: f + m * i),
        ),
        answers_as(
            "multiplier_negated",
            "The weights are right and every multiplier has the opposite sign: you wrote the penalty as λ (I − c). Here"
            " λ is what multiplies c − I, so that it is below 0 where information is penalised.",
            _negated,
        ),
        answers_as(
            "through_the_update",
            "The gradient went through the update of the multiplier. λ is a number that was fixed before the step: it"
            " does not depend on the weights, and the gradient of λ (c − I) is −λ ∇I, no more.",
            _multiplier_first(2.0),
        ),
        answers_as(
            "multiplier_first",
            "You moved the multiplier before the weights and used its new value in the same step. First the step with"
            " the old λ, then the update.",
            _multiplier_first(1.0),
        ),
        answers_as(
            "information_after_the_step",
            "You moved the multiplier by the information after the step. Both moves of one step use the same I, that of"
            " the weights before it.",
            _descent(late=True),
        ),
        answers_as(
            "one_multiplier",
            "All models share one multiplier, so that one of them pays for what another knows. Each model has its own:"
            " λ, c and I are arrays (E,), and no mean or sum over models belongs here.",
            *(_shared(move, column=column) for move in _SHARED_MOVES for column in (False, True)),
        ),
        answers_as(
            "not_accumulated",
            "Your λ is rate · (c − I) anew in each step, a spring that never quite reaches c. Add to the λ there is:"
            " it has to stay where it is once I = c.",
            _descent(following=lambda m, gap, rate: rate * gap),
        ),
        answers_as(
            "multiplier_unused",
            "The multiplier moves but does not pull: your weights are those of plain descent. Add −λ ∇I to the"
            " gradient of the loss.",
            _descent(lambda f, i, m, gap, rate: f),
        ),
        answers_as(
            "loss_left_out",
            "Only the information pulls on your weights. The gradient of the loss belongs in the step as well.",
            _descent(lambda f, i, m, gap, rate: -m * i),
        ),
        answers_as(
            "gap_in_the_pull",
            "You multiplied ∇I by c − I. The gradient of λ (c − I) is −λ ∇I: c − I itself is not in it. (That factor"
            " comes of a squared penalty.)",
            _descent(lambda f, i, m, gap, rate: f - m * gap * i),
            _descent(lambda f, i, m, gap, rate: f + m * gap * i),
        ),
        answers_as(
            "uphill",
            "Your weights climb the loss. A step goes against the gradient: subtract lr times it.",
            _descent(lambda f, i, m, gap, rate: -(f - m * i)),
        ),
        Diagnosis(
            "no_checks",
            "Bad input passes without a word. Raise a ValueError that names target unless its shape is (E,), and one"
            " that names rate if any rate is below 0.",
            lambda attempt: accepts("target")(attempt) or accepts("rate")(attempt),
        ),
    ),
)
