"""Phases of a trajectory: the recorded curve, hand-made ones, a slow independent rule, and bad input."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from corelib.information.phases import Phase, phases, processing_violations

pytestmark = pytest.mark.ch02

STEPS = [0, 20, 40, 50, 60, 75, 120, 220]
LAYER_5 = [0.44, 1.07, 1.51, 1.41, 0.82, 1.01, 1.30, 1.35]  # nearest neighbours, k = 5, whitened; a recorded run
LOSS = [2.32, 2.26, 2.02, 1.71, 1.35, 0.97, 0.55, 0.29]


def kinds(found):
    return [phase.kind for phase in found]


def test_the_recorded_curve_fits_compresses_and_fits():
    found = phases(LAYER_5, epochs=STEPS, loss=LOSS)
    assert kinds(found) == ["fit", "compress", "fit"]
    assert [(phase.start, phase.stop) for phase in found] == [(0, 50), (50, 75), (75, 220)]
    # The median of three takes 1.51 to 1.41 and 0.82 to 1.01.
    assert [phase.delta for phase in found] == pytest.approx([0.97, -0.40, 0.34])
    assert [phase.loss_change for phase in found] == pytest.approx([1.71 - 2.32, 0.97 - 1.71, 0.29 - 0.97])


def test_larger_errors_or_thresholds_leave_fewer_phases():
    assert kinds(phases(LAYER_5, stderr=[0.13] * 8)) == ["fit"]  # 2 sqrt2 0.13 = 0.368 > 0.34
    assert kinds(phases(LAYER_5, stderr=[0.11] * 8)) == ["fit", "compress", "fit"]  # 0.311 < 0.34
    assert kinds(phases(LAYER_5, min_change=0.39)) == ["fit"]
    assert phases(LAYER_5, min_change=2.0) == []


def test_a_single_outlier_is_no_phase_but_two_checkpoints_are():
    flat = np.zeros(9)
    flat[4] = 5.0
    assert phases(flat) == []
    flat[5] = 5.0
    assert kinds(phases(flat)) == ["fit", "compress"]


def test_the_ends_are_not_smoothed_away():
    assert phases([0.0, 1.0]) == [Phase(0.0, 1.0, "fit", 1.0)]
    assert phases([3.0, 0.0, 0.0, 0.0])[0].delta == -3.0


def test_plateaus_join_what_precedes_and_the_first_one_what_follows():
    found = phases([0, 0, 0, 1, 1, 1, 0, 0, 0])
    assert [(p.start, p.stop, p.kind) for p in found] == [(0, 5, "fit"), (5, 8, "compress")]


def test_a_small_run_is_absorbed_and_its_neighbours_become_one():
    found = phases([0.0, 0.5, 1.0, 0.97, 0.95, 1.5, 2.0])
    assert found == [Phase(0.0, 6.0, "fit", 2.0)]


def test_the_smallest_run_goes_first():
    """Dropping the fall of 0.05 joins two rises of 0.09 into one that survives; dropping a rise would lose them all."""
    found = phases(np.repeat([2.0, 1.0, 1.09, 1.04, 1.13, 0.0], 2))
    assert kinds(found) == ["compress", "fit", "compress"]
    assert found[1].delta == pytest.approx(0.13)


def test_an_absorbed_end_may_take_its_neighbour_along():
    """The rise of 2 counts until the fall of 1 at the end, which does not, is put to its account."""
    assert kinds(phases([2, -1, -1, 1, 1, 0.5], min_change=1.0)) == ["compress", "fit"]
    assert kinds(phases([2, -1, -1, 1, 1, 0.0], min_change=1.0)) == ["compress"]
    # A noisy first rise does not count; with the fall that would, it is a rise that does not.
    assert phases(np.repeat([0.0, 0.5, 0.25], 2), stderr=[0.4, 0.4, 0.0, 0.0, 0.0, 0.0]) == []


@pytest.mark.parametrize("curve", [[1.0, 1.0], [0.3] * 7, [0, 0.1, 0]])
def test_nothing_happened(curve):
    assert phases(curve) == []


curves = st.lists(st.floats(-5, 5), min_size=2, max_size=25).map(np.array)


@given(curves, st.floats(0, 2), st.floats(0, 1))
def test_phases_alternate_span_the_training_and_exceed_their_threshold(curve, min_change, error):
    found = phases(curve, stderr=np.full(len(curve), error), min_change=min_change)
    if not found:
        return
    assert found[0].start == 0 and found[-1].stop == len(curve) - 1
    for a, b in pairwise(found):
        assert a.stop == b.start and a.kind != b.kind
    for phase in found:
        assert abs(phase.delta) > max(min_change, 2 * np.sqrt(2) * error)
        assert phase.kind == ("fit" if phase.delta > 0 else "compress")
    assert sum(phase.delta for phase in found) == pytest.approx(curve[-1] - curve[0], abs=1e-9)


@given(curves)
def test_a_mirrored_curve_has_mirrored_phases(curve):
    up, down = phases(curve), phases(-curve)
    assert [(p.start, p.stop, p.delta) for p in up] == [(p.start, p.stop, -p.delta) for p in down]


def by_lists_of_runs(curve, min_change):
    """The same rule on runs as lists of checkpoints, slowly."""
    smooth = [curve[0], *(sorted(curve[i : i + 3])[1] for i in range(len(curve) - 2)), curve[-1]]
    runs = [[i, i + 1] for i in range(len(curve) - 1)]

    def change(run):
        return smooth[run[-1]] - smooth[run[0]]

    while True:
        i = 0
        while i + 1 < len(runs):
            a, b = change(runs[i]), change(runs[i + 1])
            if (a >= 0 and b >= 0) or (a <= 0 and b <= 0):
                runs[i : i + 2] = [runs[i] + runs[i + 1]]
            else:
                i += 1
        small = [run for run in runs if abs(change(run)) <= min_change]
        if not small or len(runs) == 1:
            return [(run[0], run[-1], change(run)) for run in runs if run not in small]
        at = runs.index(min(small, key=lambda run: abs(change(run))))
        low, high = max(at - 1, 0), min(at + 2, len(runs))
        runs[low:high] = [[i for run in runs[low:high] for i in run]]


@given(curves, st.floats(0, 3))
def test_lists_of_runs_give_the_same(curve, min_change):
    found = phases(curve, min_change=min_change)
    assert [(p.start, p.stop, p.delta) for p in found] == by_lists_of_runs(curve, min_change)


def test_layers_that_break_the_order_are_named():
    recorded = [1.55, 1.78, 1.98, 2.07, 2.13]  # I(L;Y) of five layers, each compressed on its own
    assert processing_violations(recorded, [0.02] * 5) == [1, 2, 3, 4]
    assert processing_violations([2.0, 1.5, 1.9], [0.0] * 3) == [2]  # beyond layer 1, though below layer 0
    assert processing_violations([2.0, 1.9, 1.8]) == []


def test_an_excess_within_two_standard_errors_is_no_violation():
    assert processing_violations([1.0, 1.27], [0.1, 0.1]) == []
    assert processing_violations([1.0, 1.29], [0.1, 0.1]) == [1]  # 2 sqrt(0.02) = 0.283
    assert processing_violations([1.0, 1.0]) == []
    assert processing_violations([1.0]) == []


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: phases([1.0]), "information has 1 checkpoints; expected at least 2"),
        (lambda: phases([[1.0, 2.0]]), r"information has shape \(1, 2\); expected \(T,\)"),
        (lambda: phases([1.0, float("nan")]), r"information is \[1.0, nan\]; expected finite numbers"),
        (lambda: phases(["a", "b"]), "information is .*; expected finite numbers"),
        (lambda: phases([1, 2], epochs=[0]), r"epochs has shape \(1,\); expected \(2,\)"),
        (lambda: phases([1, 2], epochs=[1, 1]), r"epochs is \[1.0, 1.0\]; expected strictly increasing"),
        (lambda: phases([1, 2], loss=[1, 2, 3]), r"loss has shape \(3,\); expected \(2,\)"),
        (lambda: phases([1, 2], stderr=[0.1, -0.1]), r"stderr is \[0.1, -0.1\]; expected numbers >= 0"),
        (lambda: phases([1, 2], min_change=-1), "min_change is -1; expected a finite number >= 0"),
        (lambda: phases([1, 2], min_change=float("nan")), "min_change is nan"),
        (lambda: processing_violations([]), r"iyt has shape \(0,\)"),
        (lambda: processing_violations([1, 2], [0.1]), r"stderr has shape \(1,\); expected \(2,\)"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
