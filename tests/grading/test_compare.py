"""Comparisons say what is wrong in the order in which it matters: kind, dtype, shape, NaN, numbers."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from corelib.grading import Close, Exact, Property, Raises, float32_sum, monte_carlo

VALUE = (1.0, {"edges": np.array([1.0, 2.0])})


@pytest.mark.parametrize(
    "value, words",
    [
        ([1.0, {"edges": np.array([1.0, 2.0])}], "you returned a list; expected a tuple"),
        ((1.0,), "there are 1 parts; expected 2"),
        ((1.0, {"edge": np.array([1.0, 2.0])}), r"keys are \['edge'\] at \[1\]; expected \['edges'\]"),
        ((1.0, {"edges": [1.0, 2.0]}), r"a list at \[1\]\['edges'\]; expected a numpy array"),
        ((True, {"edges": np.array([1.0, 2.0])}), r"a bool at \[0\]; expected a number"),
        ((None, {"edges": np.array([1.0, 2.0])}), r"you returned None at \[0\]"),
        ((1.0, {"edges": np.float32([1.0, 2.0])}), "dtype is float32"),
        ((1.0, {"edges": np.array([1, 2])}), "dtype is integer"),
        ((1.0, {"edges": np.array([[1.0, 2.0]])}), r"shape is \(1, 2\)"),
        ((1.0, {"edges": np.array([1.0, math.nan])}), "1 of 2 numbers .* NaN or infinite"),
        ((math.inf, {"edges": np.array([1.0, 2.0])}), r"the number at \[0\] is NaN or infinite"),
        ((1.0, {"edges": np.array([1.0, 2.1])}), r"1 of 2 numbers .* element \(1,\) is 2.1; expected 2 "),
    ],
)
def test_a_difference_is_named_with_its_place(value, words):
    import re

    assert re.search(words, Close().explain(VALUE, value))


def test_equal_values_have_nothing_wrong():
    assert Close().explain(VALUE, VALUE) == ""
    assert Close().explain(0.0, 0) == ""  # a whole number is a number
    assert Close().explain(3, np.int32(3)) == ""
    assert Exact().explain(np.arange(3), np.arange(3, dtype=np.int32)) == ""
    assert Close().explain(torch.ones(2), torch.ones(2)) == ""


def test_integers_are_compared_exactly_even_by_a_wide_tolerance():
    assert "element" in Close(rtol=1.0).explain(np.array([10]), np.array([11]))


def test_unsigned_integers_do_not_wrap_around():
    assert Close().explain(np.array([0], dtype=np.uint8), np.array([255], dtype=np.uint8)) != ""


def test_a_tensor_is_not_an_array():
    assert "torch tensor" in Close().explain(np.ones(2), torch.ones(2))
    assert "dtype is float64; expected float32" in Close().explain(torch.ones(2), torch.ones(2, dtype=torch.float64))


def test_infinity_is_right_only_where_it_is_expected():
    expected = np.array([math.inf, 1.0])
    assert Close().explain(expected, np.array([math.inf, 1.0])) == ""
    assert Close().explain(expected, np.array([-math.inf, 1.0])) != ""
    assert Close().explain(expected, np.array([math.nan, 1.0])) != ""


@given(st.floats(-1e6, 1e6), st.floats(1e-12, 1e-3), st.floats(0, 1e-3))
def test_the_tolerance_is_what_it_says(expected, rtol, atol):
    bound = atol + rtol * abs(expected)
    compare = Close(rtol=rtol, atol=atol)
    assert compare.explain(expected, expected + 0.9 * bound) == ""
    moved = expected + 1.1 * bound
    assert (compare.explain(expected, moved) != "") or abs(moved - expected) <= bound


def test_tolerances_follow_the_arithmetic():
    n, eps = 1000, float(np.finfo(np.float32).eps)
    assert float32_sum(n).rtol == pytest.approx(4 * n * eps)
    assert monte_carlo(0.01).explain(1.0, 1.049) == "" and monte_carlo(0.01).explain(1.0, 1.051) != ""


def test_a_property_that_trips_over_an_odd_value_is_wrong_not_an_error():
    compare = Property(lambda _expected, value: "" if value["a"] > 0 else "a is not positive")
    assert compare.explain(None, {"a": 1}) == ""
    assert compare.explain(None, {"a": -1}) == "a is not positive"
    assert "does not have the form" in compare.explain(None, 3)


def test_an_expected_error_is_judged_by_type_and_words():
    raises = Raises("ValueError", mentions=("n_bins",))
    assert raises.explain_error("ValueError", "N_BINS is 0") == ""
    assert Raises("ValueError", ("edge",)).explain_error("ValueError", "no edges") == ""
    assert Raises("ValueError", ("y",)).explain_error("ValueError", "my array") == "its ValueError does not mention y"
    assert raises.explain_error("TypeError", "n_bins") == "it raised TypeError; expected ValueError"
    assert raises.explain_error("ValueError", "bad") == "its ValueError does not mention n_bins"
