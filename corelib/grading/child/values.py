"""Plain values across a process boundary, without pickle: numbers, text, arrays, and tuples, lists, dicts of them.

A value is *plain* when its exact type is one of these, so that an object with an overloaded ``==`` or an array subclass
that lies about its contents never reaches a comparison. Bytes from a hostile process decode to plain values or raise.
"""

import json
import math
import struct
import sys
from dataclasses import dataclass

import numpy as np

_DEPTH, _NODES, _INT_BITS, _TEXT = 12, 20_000, 4096, 100_000
_MOST_TREE = 4 << 20  # bytes of everything but the arrays: forged text grows twentyfold when it is parsed
_MOST_AXES, _MOST_LENGTH = 32, 1 << 40
_INTEGERS = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")
_DTYPES = frozenset(("bool", *_INTEGERS, "float16", "float32", "float64", "complex64", "complex128"))


class NotPlainError(ValueError):
    """A value, or bytes, that do not stand for numbers, text and arrays."""


@dataclass(frozen=True, eq=False)
class PlainTensor:
    """What is left of a torch tensor where torch need not be imported.

    Attributes:
        array: its values; bfloat16 widened to float32.
        dtype: its own dtype without the ``torch.`` in front.
    """

    array: np.ndarray
    dtype: str


def plain(value: object) -> object:
    """The plain value that ``value`` is.

    Args:
        value: what an answer returned.

    Returns:
        None, bool, int, float, complex, str, a numpy array (copied), a :class:`PlainTensor`, or a tuple, list or dict
        of these. Numpy scalars become Python numbers, arrays without an axis stay arrays.

    Raises:
        NotPlainError: anything else, with its type and where it stands.
    """
    return _plain(value, "the value", [0], _DEPTH)


def encode(value: object) -> bytes:
    """Bytes of a value; the opposite of :func:`decode`.

    Raises:
        NotPlainError: the value is not plain.
    """
    buffers: list[bytes] = []
    tree = json.dumps(_tree(plain(value), buffers)).encode()
    if len(tree) > _MOST_TREE:
        raise NotPlainError(f"the value holds more than {_MOST_TREE >> 20} MB of text")
    return struct.pack(">I", len(tree)) + tree + b"".join(buffers)


def decode(data: bytes, *, tensors: bool = False) -> object:
    """The value that bytes stand for.

    Args:
        data: bytes from :func:`encode`, or from anywhere.
        tensors: make torch tensors of encoded tensors instead of :class:`PlainTensor`.

    Raises:
        NotPlainError: the bytes are no encoded value.
    """
    try:
        (length,) = struct.unpack_from(">I", data)
        if length > _MOST_TREE:
            raise NotPlainError(f"encoded value holds more than {_MOST_TREE >> 20} MB of text")
        reader = _Reader(memoryview(data)[4 + length :], tensors)
        value = reader.read(json.loads(bytes(data[4 : 4 + length])), _DEPTH)
    except NotPlainError:
        raise
    except (struct.error, ValueError, TypeError, IndexError, KeyError, OverflowError, RecursionError) as error:
        raise NotPlainError(f"not an encoded value: {type(error).__name__}") from None
    if reader.rest:
        raise NotPlainError(f"{len(reader.rest)} bytes too many behind the value")
    return value


def _plain(value: object, where: str, count: list[int], depth: int) -> object:
    count[0] += 1
    if depth == 0 or count[0] > _NODES:
        raise NotPlainError(f"{where} is nested deeper than {_DEPTH} levels or holds more than {_NODES} parts")
    kind = type(value)
    if value is None or kind in (bool, float, complex):
        return value
    if (kind is int and value.bit_length() <= _INT_BITS) or (kind is str and len(value) <= _TEXT):
        return value
    if kind is np.ndarray and value.dtype.name in _DTYPES:
        return np.array(value, order="C")
    if isinstance(value, np.generic) and kind.__module__ == "numpy" and np.dtype(kind).name in _DTYPES:
        return np.generic.item(value)
    torch = sys.modules.get("torch")
    if torch is not None and kind is torch.Tensor:
        return _plain_tensor(value, where)
    if kind is PlainTensor:
        return value
    if kind in (tuple, list):
        return kind(_plain(part, f"{where}[{i}]", count, depth - 1) for i, part in enumerate(value))
    if kind is dict:
        if any(type(key) not in (str, int, bool) for key in value):
            raise NotPlainError(f"{where} is a dict whose keys are not all text or integers")
        return {key: _plain(part, f"{where}[{key!r}]", count, depth - 1) for key, part in value.items()}
    raise NotPlainError(f"{where} is {_describe(value, kind)}")


def _describe(value: object, kind: type) -> str:
    if kind is np.ndarray:
        return f"an array of dtype {value.dtype}, not of numbers"
    if issubclass(kind, np.ndarray):
        return f"a {kind.__name__}, a subclass of numpy.ndarray; give a plain array"
    if kind in (int, str):
        return f"{kind.__name__} of more than {_INT_BITS} bits or {_TEXT} characters"
    return f"a {kind.__name__}, not a number, text, array, or tuple, list or dict of these"


def _plain_tensor(value: object, where: str) -> PlainTensor:
    name = str(value.dtype).removeprefix("torch.")
    if value.layout.__str__() != "torch.strided":
        raise NotPlainError(f"{where} is a sparse tensor; give a dense one")
    dense = value.detach().cpu().resolve_conj().resolve_neg()
    array = (dense.float() if name == "bfloat16" else dense).numpy()
    if array.dtype.name not in _DTYPES:
        raise NotPlainError(f"{where} is a tensor of dtype {name}, not of numbers")
    return PlainTensor(np.array(array, order="C"), name)


def _tree(value: object, buffers: list[bytes]) -> list:
    if isinstance(value, PlainTensor):
        return ["tensor", *_tree(value.array, buffers)[1:], value.dtype]
    if isinstance(value, np.ndarray):
        buffers.append(value.astype(value.dtype.newbyteorder("<"), copy=False).tobytes())
        return ["array", value.dtype.name, list(value.shape)]
    if isinstance(value, dict):
        return ["dict", [[key, _tree(part, buffers)] for key, part in value.items()]]
    if isinstance(value, tuple | list):
        return [type(value).__name__, [_tree(part, buffers) for part in value]]
    if isinstance(value, complex):
        return ["complex", value.real.hex(), value.imag.hex()]
    # Floats go as hexadecimal text, which keeps every bit, NaN and infinity.
    return [type(value).__name__, value.hex() if isinstance(value, float) else value]


class _Reader:
    """Walks an encoded tree and takes each array's bytes in turn."""

    def __init__(self, rest: memoryview, tensors: bool):
        self.rest, self.tensors, self.nodes = rest, tensors, 0

    def read(self, tree: list, depth: int) -> object:
        self.nodes += 1
        if depth < 0 or self.nodes > _NODES:
            raise NotPlainError("encoded value is nested too deeply or holds too many parts")
        kind, *rest = tree
        if kind in ("tuple", "list"):
            return {"tuple": tuple, "list": list}[kind](self.read(part, depth - 1) for part in rest[0])
        if kind == "dict":
            return {key: self.read(part, depth - 1) for key, part in rest[0]}
        if kind == "array":
            return self._array(*rest)
        if kind == "tensor":
            return self._tensor(*rest)
        if kind == "float":
            return float.fromhex(rest[0])
        if kind == "complex":
            return complex(float.fromhex(rest[0]), float.fromhex(rest[1]))
        if kind in ("NoneType", "bool", "int", "str") and type(rest[0]).__name__ == kind:
            return rest[0]
        raise NotPlainError(f"encoded value has a part of kind {str(kind)[:40]!r}")

    def _array(self, dtype: str, shape: list[int]) -> np.ndarray:
        broken = len(shape) > _MOST_AXES or any(type(n) is not int or not 0 <= n <= _MOST_LENGTH for n in shape)
        if dtype not in _DTYPES or broken:
            raise NotPlainError("encoded array has an unknown dtype or a broken shape")
        length = math.prod(shape) * np.dtype(dtype).itemsize
        if length > len(self.rest):  # never allocate what a forged shape asks for
            raise NotPlainError("encoded array is longer than the bytes that came")
        taken, self.rest = self.rest[:length], self.rest[length:]
        return np.frombuffer(taken, np.dtype(dtype).newbyteorder("<")).astype(dtype).reshape(shape)

    def _tensor(self, dtype: str, shape: list[int], torch_dtype: str) -> object:
        array = self._array(dtype, shape)
        if not self.tensors:
            return PlainTensor(array, str(torch_dtype)[:20])
        import torch

        return torch.from_numpy(array).to(getattr(torch, torch_dtype))
