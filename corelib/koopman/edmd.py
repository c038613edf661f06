"""Extended dynamic mode decomposition: a linear map between dictionaries of functions of the state.

With a dictionary whose span the dynamics keep, the map is exact and its left eigenvectors are eigenfunctions of the
Koopman operator. With any other, some eigenvalues are spurious and belong to no function.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations_with_replacement

import torch
from torch import Tensor

from corelib.koopman.operators import as_pair, require_count, require_ridge, ridge_regression, rollout


class Monomials:
    """All products of the coordinates up to a degree, by degree and then in alphabetical order.

    Attributes:
        exponents: powers of each coordinate in each function, integers, shape ``(m, n)``.
        names: the functions in words, such as ``"x0^2 x1"``; ``"1"`` for the constant.
    """

    def __init__(self, degree: int, n: int, *, include_constant: bool = True) -> None:
        """Args: ``degree`` >= 1, the highest sum of powers; ``n`` >= 1, the size of the state."""
        require_count("degree", degree)
        require_count("n", n)
        factors = [c for p in range(degree + 1) for c in combinations_with_replacement(range(n), p)]
        self._factors = factors if include_constant else factors[1:]
        self.exponents = torch.tensor([[c.count(i) for i in range(n)] for c in self._factors])
        self.names = tuple(_name(row) for row in self.exponents.tolist())

    def __call__(self, x: Tensor) -> Tensor:
        """The functions' values.

        Args:
            x: states, shape ``(..., n)``.

        Returns:
            Shape ``(..., m)``.

        Raises:
            ValueError: states of another size.
        """
        n = self.exponents.shape[1]
        if x.shape[-1:] != (n,):
            raise ValueError(f"x has shape {tuple(x.shape)}; expected (..., {n})")
        coordinates = x.unbind(-1)
        values = {(): torch.ones_like(coordinates[0])}
        for c in self._factors:
            if c:  # one factor more than a product of the degree below
                values[c] = values[c[:-1]] * coordinates[c[-1]]
        return torch.stack([values[c] for c in self._factors], dim=-1)


class DelayEmbedding:
    """A series with its own past as state: row t holds x_t, x_{t+1}, ..., x_{t+q-1}, the newest last."""

    def __init__(self, q: int) -> None:
        """Args: ``q`` >= 1, the number of states in a row."""
        require_count("q", q)
        self.q = q

    def __call__(self, series: Tensor) -> Tensor:
        """Embed series, each apart.

        Args:
            series: shape ``(..., T, n)`` with T >= q.

        Returns:
            Shape ``(..., T - q + 1, q n)``.

        Raises:
            ValueError: fewer axes, or T < q.
        """
        if series.ndim < 2 or series.shape[-2] < self.q:
            raise ValueError(f"series has shape {tuple(series.shape)}; expected (..., T, n) with T >= {self.q}")
        return series.unfold(-2, self.q, 1).transpose(-1, -2).flatten(-2)

    def newest(self, embedded: Tensor) -> Tensor:
        """The last state of each row.

        Args:
            embedded: shape ``(..., q n)``.

        Returns:
            Shape ``(..., n)``.

        Raises:
            ValueError: rows that do not hold q states.
        """
        if embedded.ndim < 1 or embedded.shape[-1] == 0 or embedded.shape[-1] % self.q:
            raise ValueError(f"embedded has shape {tuple(embedded.shape)}; expected (..., q n) with q = {self.q}")
        return embedded[..., -(embedded.shape[-1] // self.q) :]


@dataclass(frozen=True)
class EDMDResult:
    """A linear model of a dictionary: psi(x_{t+1}) = K psi(x_t), x = readout psi(x).

    Attributes:
        operator: K, shape ``(m, m)``, column convention.
        eigenvalues: of K, the largest modulus first, complex, shape ``(m,)``.
        left_vectors: the eigenfunctions' coefficients in the dictionary as columns, complex, of unit length, shape
            ``(m, m)``; w^T K = eigenvalue w^T.
        readout: least-squares map from the dictionary back to the state, shape ``(n, m)``.
        dictionary: psi, from ``(..., n)`` to ``(..., m)``.
    """

    operator: Tensor
    eigenvalues: Tensor
    left_vectors: Tensor
    readout: Tensor
    dictionary: Callable[[Tensor], Tensor]

    def eigenfunctions(self, x: Tensor) -> Tensor:
        """Values of the eigenfunctions; a step of the dynamics multiplies each by its eigenvalue.

        Args:
            x: states, shape ``(..., n)``.

        Returns:
            Complex, shape ``(..., m)``, in the order of ``eigenvalues``.

        Raises:
            ValueError: states of another size.
        """
        return self.dictionary(self._states(x)).to(self.left_vectors.dtype) @ self.left_vectors

    def predict(self, x0: Tensor, steps: int, *, relift: bool = False) -> Tensor:
        """Forecasts 1, 2, ..., ``steps`` steps after ``x0``.

        Args:
            x0: states, shape ``(..., n)``.
            steps: number of steps, >= 1.
            relift: False applies K again and again, so that the forecast is a sum of exponentials. True reads the
                state out after each step and evaluates the dictionary there, a nonlinear map of the state.

        Returns:
            Shape ``(..., steps, n)``, float64, in units of state.

        Raises:
            ValueError: ``x0`` of another size, ``steps < 1``, or a forecast that overflows.
            TypeError: ``steps`` not an integer.
        """
        require_count("steps", steps)
        state = self._states(x0)
        if not relift:
            return rollout(self.operator, self.dictionary(state), steps) @ self.readout.T
        one_step = (self.readout @ self.operator).T
        path = []
        for _ in range(steps):
            state = self.dictionary(state) @ one_step
            path.append(state)
        path = torch.stack(path, dim=-2)
        if not path.isfinite().all():
            raise ValueError("the forecast overflows; expected finite x0, and fewer steps where the model is unstable")
        return path

    def _states(self, x: Tensor) -> Tensor:
        x = torch.as_tensor(x, dtype=torch.float64)
        if x.shape[-1:] != self.readout.shape[:1]:
            raise ValueError(f"x has shape {tuple(x.shape)}; expected (..., {self.readout.shape[0]})")
        return x


def edmd(x: Tensor, y: Tensor, dictionary: Callable[[Tensor], Tensor], *, ridge: float = 0.0) -> EDMDResult:
    """Fit psi(y) = K psi(x) by least squares over all pairs. All in float64.

    Args:
        x: states, shape ``(N, n)``.
        y: the states one step later, same shape.
        dictionary: psi, a function from ``(..., n)`` to ``(..., m)``.
        ridge: penalty on K, >= 0. With 0, directions of the dictionary that the data do not show are mapped to 0.

    Returns:
        A :class:`EDMDResult`. Its readout is fitted on ``x`` and ``y`` without penalty; it is exact where the state is
        in the span of the dictionary and the data show it.

    Raises:
        ValueError: other shapes, values (of the dictionary, too) that are not finite, or ``ridge < 0``.

    Source: Williams, Kevrekidis and Rowley (2015), A data-driven approximation of the Koopman operator, J. Nonlinear
        Sci. 25, equations 12 to 16.
    """
    x, y = as_pair("x", x, "y", y)
    if x.ndim != 2:
        raise ValueError(f"x has shape {tuple(x.shape)}; expected (N, n)")
    require_ridge(ridge)
    states, n = torch.cat([x, y]), len(x)
    lifted = torch.as_tensor(dictionary(states)).detach().double()
    if lifted.ndim != 2 or len(lifted) != 2 * n:
        raise ValueError(f"dictionary gives shape {tuple(lifted.shape)} for {2 * n} states; expected ({2 * n}, m)")
    lifted_x, lifted_y = as_pair("dictionary(x)", lifted[:n], "dictionary(y)", lifted[n:])
    operator = ridge_regression(lifted_x, lifted_y, ridge).T
    readout = ridge_regression(lifted, states).T
    eigenvalues, vectors = torch.linalg.eig(operator.T)
    order = eigenvalues.abs().argsort(descending=True, stable=True)
    return EDMDResult(operator, eigenvalues[order], vectors[:, order], readout, dictionary)


def _name(powers: list[int]) -> str:
    """A product in words: ``[2, 1]`` is ``"x0^2 x1"``."""
    return " ".join(f"x{i}" if p == 1 else f"x{i}^{p}" for i, p in enumerate(powers) if p) or "1"
