"""Values cross the border between processes bit for bit, or not at all."""

import contextlib
import json
import struct

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from corelib.grading.child.values import NotPlainError, PlainTensor, decode, encode, plain

scalars = st.none() | st.booleans() | st.integers(-(2**200), 2**200) | st.floats() | st.text(max_size=20)
arrays = hnp.arrays(
    st.sampled_from(["bool", "int8", "uint64", "float16", "float32", "float64", "complex128"]),
    hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4),
)
keys = st.text(max_size=5) | st.integers(-9, 9)
values = st.recursive(
    scalars | arrays, lambda part: st.lists(part, max_size=3).map(tuple) | st.dictionaries(keys, part, max_size=3)
)


def same(a, b):
    if isinstance(a, np.ndarray):
        return type(b) is np.ndarray and (a.dtype, a.shape, a.tobytes()) == (b.dtype, b.shape, b.tobytes())
    if isinstance(a, tuple | list):
        return type(a) is type(b) and len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return type(b) is dict and a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    return type(a) is type(b) and repr(a) == repr(b)


@given(values)
def test_what_goes_in_comes_out_bit_for_bit(value):
    assert same(decode(encode(value)), value)


@given(st.binary(max_size=200))
def test_any_bytes_decode_to_a_plain_value_or_are_refused(data):
    with contextlib.suppress(NotPlainError):
        value = decode(data)
        assert same(plain(value), value)


@given(values, st.data())
def test_a_changed_byte_never_raises_anything_else(value, data):
    raw = bytearray(encode(value))
    raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(NotPlainError):
        found = decode(bytes(raw))
        assert same(plain(found), found)


def test_tensors_come_back_as_tensors_only_where_they_are_wanted():
    tensor = torch.tensor([1.5, -2.0], dtype=torch.bfloat16)
    raw = encode((tensor,))
    assert isinstance(decode(raw)[0], PlainTensor) and decode(raw)[0].dtype == "bfloat16"
    assert torch.equal(decode(raw, tensors=True)[0], tensor)


class Anything:
    def __eq__(self, other):
        return True


class Liar(np.ndarray):
    pass


@pytest.mark.parametrize(
    "value, words",
    [
        (Anything(), "the value is a Anything"),
        ((1, [Anything()]), r"the value\[1\]\[0\] is a Anything"),
        (np.zeros(2).view(Liar), "a subclass of numpy.ndarray"),
        (np.array([None]), "an array of dtype object"),
        (np.array(["a"]), "an array of dtype <U1"),
        (2**5000, "more than 4096 bits"),
        ({(1, 2): 3}, "keys are not all text or integers"),
        (torch.eye(2).to_sparse(), "a sparse tensor"),
    ],
)
def test_what_is_not_plain_is_refused_with_its_place(value, words):
    with pytest.raises(NotPlainError, match=words):
        plain(value)


def test_endless_nesting_is_refused():
    value = []
    value.append(value)
    with pytest.raises(NotPlainError, match="nested deeper"):
        plain(value)


@pytest.mark.parametrize(
    "tree",
    [
        ["array", "float64", [10**12]],
        ["array", "float64", [-1]],
        ["array", "object", [1]],
        ["tensor", "float32", [2], "float32"],
        ["dict", [[["a"], ["int", 1]]]],
        ["int", "1"],
        ["float", 1.0],
        ["str", None],
        ["bool", 1],
        ["__import__", "os"],
        [[]],
        [],
    ],
)
def test_forged_trees_are_refused_without_allocating_what_they_claim(tree):
    text = json.dumps(tree).encode()
    with pytest.raises(NotPlainError):
        decode(struct.pack(">I", len(text)) + text)


def test_nothing_may_follow_a_value():
    with pytest.raises(NotPlainError, match="1 bytes too many"):
        decode(encode(3) + b"x")
