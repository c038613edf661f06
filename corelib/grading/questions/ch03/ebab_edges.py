"""Edges of entropy-based adaptive bins: equally many distinct activity levels in every bin."""

from collections.abc import Callable

import numpy as np

from corelib.grading.compare import Exact, Raises
from corelib.grading.question import Attempt, Case, Diagnosis, Question
from corelib.grading.questions._recognise import accepts, answers_as
from corelib.grading.questions.ch03._layers import edges_of, relu_layer, tanh_layer


def _cases(rng: np.random.Generator) -> list[Case]:
    relu = relu_layer(rng, 257, 4)
    ties = rng.choice(rng.normal(size=13), size=(150, 3), p=np.arange(13, 0, -1) / 91)
    spaced = (rng.permutation(130) + rng.uniform(0.0, 0.5, size=130)).reshape(65, 2)
    few = np.maximum(rng.integers(-2, 8, size=(60, 2)), 0) * rng.uniform(0.5, 2.0)
    close = 1e6 + 1e-6 * rng.permutation(90).reshape(30, 3)
    below, broken = tanh_layer(rng, 20, 2), tanh_layer(rng, 20, 2)
    below[rng.integers(20), rng.integers(2)], broken[rng.integers(20), rng.integers(2)] = -5.0, np.nan
    # The largest activity comes early: an answer that remembers it shows it in all later cases.
    return [
        Case("the example by hand", (np.array([[0.0, 0.2], [0.0, 0.5], [0.5, 0.9]]), 2, 0.0)),
        Case("a ReLU layer with half exact zeros", (relu, 10, 0.0)),
        Case("a tanh layer of distinct values", (tanh_layer(rng, 211, 3), 30, -1.000001)),
        Case("half exact zeros and no floor", (relu / relu.max(), 10, None)),
        Case("130 distinct values in 30 bins (k * (U / B) rounds down)", (spaced, 30, None)),
        Case("13 distinct values of very different frequency", (ties, 5, None)),
        Case("fewer distinct values than bins", (few, 30, 0.0)),
        Case("a single distinct value and no floor", (np.full((40, 2), rng.uniform(0.1, 1.0)), 4, None)),
        Case("every value at the floor", (np.zeros((40, 3)), 6, 0.0)),
        Case("one sample of one unit", (rng.uniform(0.1, 1.0, size=(1, 1)), 3, 0.0)),
        Case("values near one million that differ by millionths", (close, 7, None)),
        Case("one bin", (tanh_layer(rng, 25, 2), 1, None)),
        Case("a value of -5 below the floor -1", (below, 5, -1.0), expect=Raises("ValueError", mentions=("floor",))),
        Case("a NaN", (broken, 5, None), expect=Raises("ValueError", mentions=("NaN",))),
        Case("no bins", (tanh_layer(rng, 20, 2), 0, None), expect=Raises("ValueError", mentions=("n_bins",))),
    ]


def _levels(h: np.ndarray, floor: float | None, ties: bool = False) -> np.ndarray:
    """Sorted values other than the floor, each once or, with ties, as often as it occurs."""
    values = np.sort(h.ravel()) if ties else np.unique(h)
    return values if floor is None else values[values != floor]


def _on_floor(edges: np.ndarray, floor: float | None) -> np.ndarray:
    return edges if floor is None else np.append(floor, edges)


def _rounded(h: np.ndarray, n_bins: int, floor: float | None) -> np.ndarray:
    u = _levels(h, floor)
    ranks = [int(k * (len(u) / n_bins)) for k in range(n_bins)]
    return _on_floor(u[[*ranks, len(u) - 1]], floor)


def _floor_counted(h: np.ndarray, n_bins: int, floor: float | None) -> np.ndarray:
    return _on_floor(edges_of(h, n_bins, None), floor)


def _quantiles(ties: bool, without_floor: bool, method: str) -> Callable[..., np.ndarray]:
    """A wrong function that takes ``np.quantile`` of the values; "ranks" takes value number k n // B instead."""

    def wrong(h: np.ndarray, n_bins: int, floor: float | None) -> np.ndarray:
        values = _levels(h, floor if without_floor else None, ties)
        if method == "ranks":
            return _on_floor(values[np.append(np.arange(n_bins) * len(values) // n_bins, -1)], floor)
        return _on_floor(np.quantile(values, np.linspace(0, 1, n_bins + 1), method=method), floor)

    return wrong


def _equal_steps(attempt: Attempt) -> bool:
    def equal(edges: np.ndarray) -> bool:
        steps = np.diff(edges)
        return len(steps) > 1 and (steps > 0).all() and np.allclose(steps, steps[0], rtol=1e-6, atol=0)

    return equal(attempt.value) or (attempt.case.args[2] is not None and equal(attempt.value[1:]))


def _lies_elsewhere(attempt: Attempt) -> bool:
    """Whether edges, the floor's apart, lie where this layer has no activity: another layer must have set them."""
    h, _, floor = attempt.case.args
    edges = attempt.value if floor is None else attempt.value[1:]
    if attempt.value.shape != attempt.expected.shape or not np.isfinite(edges).all():
        return False
    far = h.max() + abs(h.max()) + 1  # the last edge alone may only have been nudged to take in the maximum
    return edges[0] < h.min() or edges[-2] > h.max() or edges[-1] > far


def _last_bin_open(attempt: Attempt) -> bool:
    value, right = attempt.value, attempt.expected
    if np.array_equal(value, right[:-1]):
        return True
    return value.shape == right.shape and np.array_equal(value[:-1], right[:-1]) and value[-1] > right[-1]


def _dead_layer(attempt: Attempt) -> bool:
    h, _, floor = attempt.case.args
    return bool((h == floor).all()) and attempt.error != ""


QUESTION = Question(
    name="ch03.ebab_edges",
    title="Edges of entropy-based adaptive bins",
    entry="ebab_edges",
    points=3,
    cases=_cases,
    oracle=edges_of,
    compare=Exact(),  # edges are values of the layer: nothing is computed that could round
    diagnoses=(
        Diagnosis(
            "no_bin_for_the_maximum",
            "Your last full bin swallows the maximum. The left edges end with u[U-1] itself, so that the largest value"
            " has a bin of its own: append it after the n_bins edges u[k*U//B].",
            _last_bin_open,
        ),
        Diagnosis(
            "equal_width",
            "Your edges are equally spaced. EBAB puts equally many distinct values into each bin, however wide that"
            " makes it: take every (U/B)-th of the sorted distinct values.",
            _equal_steps,
        ),
        answers_as(
            "quantiles_with_ties",
            "You took quantiles of all values, each as often as it occurs, so that a frequent value such as 0 claims"
            " several edges. EBAB counts each distinct value once: start from np.unique(h), without the floor.",
            *(_quantiles(True, out, how) for out in (True, False) for how in ("linear", "lower", "ranks")),
        ),
        answers_as(
            "interpolated_quantiles",
            "You took quantiles of the distinct values as np.quantile does, whose ranks k*(U-1)/B fall between values."
            " EBAB's edges are values of the layer, those of rank k*U//B.",
            *(_quantiles(False, out, how) for out in (True, False) for how in ("linear", "lower")),
        ),
        Diagnosis(
            "pooled_layers",
            "Some of your edges lie where this layer has no activity: they come from another layer or epoch. Each call"
            " gets one layer at one epoch, and its edges follow from this h alone; keep nothing between calls.",
            _lies_elsewhere,
        ),
        answers_as(
            "float_rounding",
            "Your ranks come from int(k * (U / B)), which is one too low for some pairs, for example U=130, B=30, k=27."
            " Stay in whole numbers: k * U // B. (The paper's released code has the same slip.)",
            _rounded,
        ),
        answers_as(
            "floor_among_the_levels",
            "You counted the floor among the distinct values. It has an edge and a bin of its own: leave it out of u"
            " before you take ranks.",
            _floor_counted,
        ),
        Diagnosis(
            "floor_wrap_around",
            "You accepted a value below the floor. It lies under every edge, so np.digitize(...) - 1 would give it -1,"
            " which as an index is the top bin. Raise a ValueError that names the floor.",
            accepts("floor"),
        ),
        Diagnosis(
            "dead_layer",
            "A layer that is wholly at its floor has no other level (U = 0), and an index into an empty list fails."
            " Let the floor stand in: all n_bins + 2 edges are then equal to it.",
            _dead_layer,
        ),
    ),
)
