"""The bin of each value: closed on the left, the last of repeated edges, and an error below the first."""

import numpy as np

from corelib.grading.compare import Exact, Raises
from corelib.grading.question import Attempt, Case, Diagnosis, Question
from corelib.grading.questions._recognise import accepts, answers_as
from corelib.grading.questions.ch03._layers import bins_of, edges_of, relu_layer, tanh_layer


def _cases(rng: np.random.Generator) -> list[Case]:
    relu, tanh = relu_layer(rng, 150, 3), tanh_layer(rng, 120, 2)
    whole = rng.integers(0, 6, size=(30, 2)).astype(np.float64)
    far = 1e6 + 1e-6 * rng.integers(0, 40, size=(25, 2))
    low, barely = rng.uniform(0.0, 4.0, size=(2, 10, 2))
    low[rng.integers(10), rng.integers(2)], barely[rng.integers(10), rng.integers(2)] = -5.0, -1e-12
    bad = Raises("ValueError", mentions=("edge",))
    return [
        Case("the example by hand", (np.array([[0.0, 0.2], [0.0, 0.5], [0.5, 0.9]]), np.array([0.0, 0.2, 0.5, 0.9]))),
        Case("a ReLU layer between its own EBAB edges", (relu, edges_of(relu, 10, 0.0))),
        Case("every value stands on an edge", (whole, np.arange(6.0))),
        Case("equal-width edges with values above the last", (3 * tanh + 3, np.linspace(0.0, 2.5, 9))),
        Case("repeated edges", (np.maximum(whole, 3), edges_of(np.maximum(whole, 3), 8, 0.0))),
        Case("values near one million that differ by millionths", (far, edges_of(far, 6, None))),
        Case("one edge and so one bin", (relu, np.array([0.0]))),
        Case("one value on the first edge", (np.zeros((1, 1)), np.arange(4.0))),
        Case("a value of -5 below the first edge 0", (low, np.arange(4.0)), expect=bad),
        Case("a value just below the first edge", (barely, np.arange(4.0)), expect=bad),
    ]


def _right_closed(h: np.ndarray, edges: np.ndarray) -> np.ndarray:
    return np.searchsorted(edges, h, side="left") - 1


def _right_closed_clipped(h: np.ndarray, edges: np.ndarray) -> np.ndarray:
    return np.maximum(_right_closed(h, edges), 0)


def _one_based(h: np.ndarray, edges: np.ndarray) -> np.ndarray:
    return np.searchsorted(edges, h, side="right")


def _has_minus_one(attempt: Attempt) -> bool:
    return accepts("edge")(attempt) and int(attempt.value.min()) == -1


def _clips(attempt: Attempt) -> bool:
    return accepts("edge")(attempt) and int(attempt.value.min()) == 0


QUESTION = Question(
    name="ch03.digitize",
    title="The bin of each value",
    entry="digitize",
    points=1,
    cases=_cases,
    oracle=bins_of,
    compare=Exact(),
    diagnoses=(
        answers_as(
            "right_closed",
            "Your bins are closed on the right, so that a value on an edge falls into the bin below. Edge i belongs to"
            ' bin i: edges[i] <= h. In np.searchsorted that is side="right".',
            _right_closed,
            _right_closed_clipped,
        ),
        answers_as(
            "one_based",
            "Your bins count from 1: np.digitize and np.searchsorted give how many edges are at or below h. Subtract 1"
            " to get the index of the last such edge.",
            _one_based,
        ),
        Diagnosis(
            "wraps_to_top",
            "A value below the first edge came back as bin -1, and as an index -1 is the top bin: the smallest activity"
            " joins the largest. Compare h with edges[0] first and raise a ValueError that names the edge.",
            _has_minus_one,
        ),
        Diagnosis(
            "clipped_to_the_bottom",
            "A value below the first edge went into bin 0 without a word, as if it were at the floor. It shows that"
            " these edges do not belong to this layer: raise a ValueError that names the edge.",
            _clips,
        ),
    ),
)
