"""I(X;Z|Y) and I(Y;Z) of a stochastic encoder, which add up to I(X;Z): chapter 1, exercise 2."""

import math
from collections.abc import Callable

import numpy as np
import torch

from corelib.grading.compare import Raises
from corelib.grading.question import Attempt, Case, Diagnosis, Question
from corelib.grading.questions._recognise import accepts, answers_as
from corelib.grading.questions.ch01 import _codes
from corelib.information import conditional_encoder_information, encoder_information

Split = tuple[float, float]


def _oracle(z: np.ndarray, mean: np.ndarray, std: np.ndarray, labels: np.ndarray) -> Split:
    codes, z = _codes.as_codes(mean, std), torch.from_numpy(z)
    beyond = conditional_encoder_information(codes, torch.from_numpy(labels), "mc", z=z).item()
    return beyond, encoder_information(codes, "mc", z=z).item() - beyond


def _cases(rng: np.random.Generator) -> list[Case]:
    unequal = rng.permutation(np.repeat([0, 1, 2], [25, 10, 5]))
    names = rng.choice([-3, 7, 1000], size=30, p=[0.5, 0.3, 0.2])
    names[:3] = [-3, 7, 1000]
    apart = 50.0 * rng.permutation(24)[:, None] * np.array([[1.0, 0.3]])
    small, line = _codes.draw(rng, (8, 2), 1.0, 0.5, 1.0), np.array([[0.0], [1.0], [4.0], [6.0]])
    mean, std = rng.normal(size=(20, 6)), np.full((20, 6), 3.0)
    draws = line + 0.8 * rng.normal(size=(4, 1)), line, np.full((4, 1), 0.8)
    bad = Raises("ValueError", ("labels",))
    return [
        Case("the example by hand", (*_codes.by_hand(), np.array([0, 0, 1]))),
        Case("codes at 0, 1 and at 4, 6: two classes of two", (*draws, np.array([0, 0, 1, 1]))),
        Case("classes of 25, 10 and 5 inputs", (*_codes.draw(rng, (40, 3), 1.0, 0.3, 1.2), unequal)),
        Case("labels that are names: -3, 7 and 1000", (*_codes.draw(rng, (30, 2), 1.0, 0.3, 1.2), names)),
        Case("a class with a single input", (*_codes.draw(rng, (9, 2), 1.0, 0.5, 1.5), np.repeat([1, 0], [8, 1]))),
        Case(
            "no two codes overlap: all is at its ceiling",
            (apart, apart, np.ones_like(apart), np.repeat([0, 1], [16, 8])),
        ),
        Case("one class: nothing to be told of the label", (*small, np.full(8, 3))),
        Case("every input a class of its own: nothing is left beyond it", (*small, rng.permutation(8))),
        Case(
            "noise that points the same way in all codes: I(X;Z|Y) comes out below 0",
            (mean + 8 * std, mean, std, np.repeat([0, 1], [14, 6])),
        ),
        Case("one label too few", (*small, np.zeros(7, dtype=np.int64)), bad),
        Case("labels as a column", (*small, np.repeat([0, 1], 4)[:, None]), bad),
    ]


def _classes(labels: np.ndarray) -> list[np.ndarray]:
    return [np.flatnonzero(labels == label) for label in np.unique(labels)]


def _split(
    of_class: Callable[[np.ndarray, np.ndarray], float] = lambda p, own: _codes.mc(p[np.ix_(own, own)]),
    weights: Callable[[np.ndarray], np.ndarray] = lambda sizes: sizes / sizes.sum(),
) -> Callable[..., Split]:
    """The right answer with another number for each class, or another weight."""

    def wrong(z: np.ndarray, mean: np.ndarray, std: np.ndarray, labels: np.ndarray) -> Split:
        log_p, classes = _codes.log_densities(z, mean, std), _classes(labels)
        with np.errstate(all="ignore"):
            values = np.array([of_class(log_p, own) for own in classes])
            beyond = float(weights(np.array([len(own) for own in classes])) @ values)
        return beyond, _codes.mc(log_p) - beyond

    return wrong


def _global_crowd(log_p: np.ndarray, own: np.ndarray) -> float:
    return float((np.diagonal(log_p) - _codes.log_mean_exp(log_p))[own].mean())


def _n_for_class_size(log_p: np.ndarray, own: np.ndarray) -> float:
    return _codes.mc(log_p[np.ix_(own, own)]) + math.log(len(log_p) / len(own))


def _no_average(log_p: np.ndarray, own: np.ndarray) -> float:
    return _codes.mc(log_p[np.ix_(own, own)]) - math.log(len(own))


def _zero_for_masked(log_p: np.ndarray, own: np.ndarray) -> float:
    inside = np.isin(np.arange(len(log_p)), own)
    crowd = _codes.log_mean_exp(np.where(inside, log_p, 0.0)) + math.log(len(log_p) / len(own))
    return float((np.diagonal(log_p) - crowd)[own].mean())


def _left_out(log_p: np.ndarray, own: np.ndarray) -> float:
    return _codes.loo(log_p[np.ix_(own, own)]) if len(own) > 1 else 0.0


def _jensen(log_p: np.ndarray, own: np.ndarray) -> float:
    return _codes.jensen(log_p[np.ix_(own, own)])


def _only(chosen: Callable[[np.ndarray], range]) -> Callable[..., Split]:
    """Only classes whose label is among the chosen ones are looked at."""

    def wrong(z: np.ndarray, mean: np.ndarray, std: np.ndarray, labels: np.ndarray) -> Split:
        log_p, beyond = _codes.log_densities(z, mean, std), 0.0
        for label in chosen(labels):
            own = np.flatnonzero(labels == label)
            if len(own):
                beyond += len(own) / len(labels) * _codes.mc(log_p[np.ix_(own, own)])
        return beyond, _codes.mc(log_p) - beyond

    return wrong


def _changed(change: Callable[[float, float, np.ndarray], Split]) -> Callable[..., Split]:
    """Another use of the two right numbers."""
    return lambda z, mean, std, labels: change(*_split()(z, mean, std, labels), labels)


def _label_entropy(labels: np.ndarray) -> float:
    share = np.unique(labels, return_counts=True)[1] / len(labels)
    return float(-(share * np.log(share)).sum())


def _recognises_new_draws(attempt: Attempt) -> bool:
    """A value that the given z does not explain and draws of its own do."""
    if attempt.error or attempt.expected is None:
        return False
    _, mean, std, labels = attempt.case.args
    rng, right = np.random.default_rng(0), _split()
    found = [right(mean + std * rng.normal(size=mean.shape), mean, std, labels)[0] for _ in range(40)]
    centre, width = np.mean(found), 6 * np.std(found) + 1e-9
    return abs(attempt.value[0] - centre) < width < abs(attempt.expected[0] - centre)


QUESTION = Question(
    name="ch01.conditional_information",
    title="What the code tells beyond the label, and about it",
    entry="conditional_information",
    points=3,
    cases=_cases,
    oracle=_oracle,
    compare=_codes.TOLERANCE,
    preload=("scipy.special",),
    diagnoses=(
        answers_as(
            "global_crowd",
            "Your crowd is all N codes in every class, so the class average is I(X;Z) again. Beyond the label means"
            " among inputs of the same label: own density and crowd both within the class.",
            _split(_global_crowd),
            _split(lambda p, own: _global_crowd(p, own), lambda sizes: np.ones(len(sizes)) / len(sizes)),
        ),
        answers_as(
            "classes_unweighted",
            "You averaged over classes as if all were of the same size. A class counts by its share of the inputs,"
            " N_y / N.",
            _split(weights=lambda sizes: np.ones(len(sizes)) / len(sizes)),
        ),
        answers_as(
            "single_inputs_dropped",
            "You dropped classes with a single input and gave their weight to the others. Their code has nobody to be"
            " told apart from: they contribute 0 with their weight N_y / N.",
            _split(weights=lambda sizes: np.where(sizes > 1, sizes, 0) / max(sizes[sizes > 1].sum(), 1)),
        ),
        answers_as(
            "classes_summed",
            "You added the classes up. Each counts by its share of the inputs, N_y / N.",
            _split(weights=lambda sizes: np.ones(len(sizes))),
        ),
        answers_as(
            "n_for_class_size",
            "Your crowd sums over the class but divides by N. Divide by the size of the class, N_y.",
            _split(_n_for_class_size),
        ),
        answers_as(
            "no_class_average",
            "Your crowd sums over the class where the formula averages: ln N_y is missing.",
            _split(_no_average),
        ),
        answers_as(
            "zero_for_masked",
            "You put 0 in place of the logarithms of other classes. That is a density of exp 0 = 1 and counts. Leave"
            " those columns out, or put −np.inf there.",
            _split(_zero_for_masked),
        ),
        answers_as(
            "self_left_out",
            "You left the own code out of its class. That is the other estimator; this one counts it, and a class with"
            " a single input then contributes 0.",
            _split(_left_out),
        ),
        answers_as(
            "mean_of_logs",
            "You averaged logarithms over the class. The crowd's density is the mean of the densities: average first,"
            " then take the logarithm.",
            _split(_jensen),
        ),
        answers_as(
            "labels_as_indices",
            "Labels are names, not 0, 1, 2, …: some classes were passed over. np.unique(labels) lists those there are.",
            _only(lambda labels: range(len(np.unique(labels)))),
            _only(lambda labels: range(int(labels.max()) + 1)),
        ),
        answers_as(
            "whole_for_about",
            "Your second number is I(X;Z), all that the code tells. About the label is what is left of it when"
            " I(X;Z|Y) is taken away.",
            _changed(lambda beyond, about, _: (beyond, beyond + about)),
        ),
        answers_as(
            "label_entropy",
            "Your second number is the entropy of the labels, the most that a code can tell of them. How much this code"
            " tells is the difference of I(X;Z) and I(X;Z|Y).",
            _changed(lambda beyond, _, labels: (beyond, _label_entropy(labels))),
        ),
        answers_as(
            "swapped",
            "The two numbers are in the wrong order: beyond the label first, about the label second.",
            _changed(lambda beyond, about, _: (about, beyond)),
        ),
        answers_as(
            "clipped",
            "You lifted estimates below 0 to 0. With an unlucky draw they do fall below 0; cut off, they no longer add"
            " up. Return them as they come.",
            _changed(lambda beyond, about, _: (max(beyond, 0.0), max(about, 0.0))),
            _changed(lambda beyond, about, _: (max(beyond, 0.0), beyond + about - max(beyond, 0.0))),
            _changed(lambda beyond, about, _: (max(beyond, 0.0), max(beyond + about, 0.0) - max(beyond, 0.0))),
        ),
        Diagnosis(
            "new_draws",
            "You drew new codes. The z that are given are the draw: use their rows of the class, so that both parts of"
            " the chain rule are about the same codes.",
            _recognises_new_draws,
        ),
        answers_as(
            "bits",
            "These are bits. The question asks for nats: natural logarithms, no division by ln 2.",
            _changed(lambda beyond, about, _: (beyond / math.log(2), about / math.log(2))),
        ),
        answers_as(
            "nats_times_ln2",
            "You multiplied by ln 2, as the released code does to get bits. To get bits one divides; and the question"
            " asks for nats.",
            _changed(lambda beyond, about, _: (beyond * math.log(2), about * math.log(2))),
        ),
        Diagnosis(
            "no_checks",
            "Labels of another shape pass without a word, and broadcasting makes something of them. Raise a ValueError"
            " that names labels unless labels.shape is (N,).",
            accepts("labels"),
        ),
    ),
)
