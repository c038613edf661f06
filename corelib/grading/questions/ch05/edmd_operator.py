"""A linear map between lifted states: chapter 5, exercise 1."""

from collections.abc import Callable

import numpy as np
import torch

from corelib.grading.compare import Close, Raises
from corelib.grading.question import Case, Diagnosis, Question
from corelib.grading.questions._recognise import accepts, answers_as
from corelib.koopman import Monomials, edmd, slow_manifold

# The library's normal equations square the condition number, which is below 10^3 in all cases here.
_TOLERANCE = Close(rtol=1e-8, atol=1e-8)
_PARABOLA = np.array([[1, 0], [0, 1], [2, 0]])


def _oracle(x: np.ndarray, y: np.ndarray, powers: np.ndarray) -> np.ndarray:
    exponents = torch.from_numpy(powers.copy())
    states = torch.from_numpy(x.copy()), torch.from_numpy(y.copy())
    return edmd(*states, lambda state: (state[..., None, :] ** exponents).prod(-1)).operator.numpy()


def _next(x: np.ndarray, mu: float, lam: float) -> np.ndarray:
    return slow_manifold(torch.from_numpy(x), 1, mu=mu, lam=lam)[:, 1].numpy()


def _cases(rng: np.random.Generator) -> list[Case]:
    mu, lam = rng.uniform(0.7, 0.95), rng.uniform(0.2, 0.6)
    x = rng.uniform(-1, 1, size=(60, 2))
    y = _next(x, mu, lam)
    by_hand = np.array([[1.0, 0.0], [0.0, 1.0], [2.0, 0.0]])
    path = slow_manifold(torch.tensor([[1.2, -0.8]], dtype=torch.float64), 8, mu=mu, lam=lam)[0].numpy()
    noisy = y + 0.1 * rng.normal(size=y.shape)
    u = rng.permutation([-4, -3, -2, -1, 1, 2, 3, 4])[:6, None] / 4  # quarters: sums, and what is singular, are exact
    on_parabola = np.hstack([u, u**2])
    three = rng.uniform(-1, 1, size=(90, 3))
    swirl = np.column_stack([0.9 * three[:, 1], -0.7 * three[:, 0] + 0.3 * three[:, 2] ** 2, 0.5 * three[:, 2]])
    cubes = np.vstack([np.eye(3, dtype=int), [[0, 0, 2], [1, 1, 1], [3, 0, 0]]])
    full = Monomials(2, 2).exponents.numpy()
    few = x[:2]
    return [
        Case("the example by hand", (by_hand, _next(by_hand, 0.5, 1.0), _PARABOLA)),
        Case("the slow manifold, pairs in no order", (x, y, _PARABOLA)),
        Case("one path: y is x a row later", (path[:-1], path[1:], _PARABOLA)),
        Case("noise on the second states: no map fits exactly", (x, noisy, _PARABOLA)),
        Case("all monomials up to degree 2: the dictionary is not closed", (x + 0.3, _next(x + 0.3, mu, lam), full)),
        Case("the states alone as dictionary", (x, y, np.eye(2, dtype=int))),
        Case("three coordinates, six functions", (three, swirl, cubes)),
        Case("all states on the parabola: x2 and x1² agree", (on_parabola, _next(on_parabola, mu, lam), _PARABOLA)),
        Case("two pairs for three functions", (few, _next(few, mu, lam), _PARABOLA)),
        Case("one second state is missing", (x, y[:-1], _PARABOLA), Raises("ValueError", ("y",))),
        Case("powers for three coordinates, states of two", (x, y, cubes), Raises("ValueError", ("powers",))),
    ]


def _lift(x: np.ndarray, powers: np.ndarray) -> np.ndarray:
    return (x[:, None, :] ** powers).prod(-1)


def _solve(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.linalg.lstsq(a, b, rcond=None)[0]


def _lifted(rule: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> Callable[..., np.ndarray]:
    """An answer from the lifted states (N, m), before and after."""
    return lambda x, y, powers: rule(_lift(x, powers), _lift(y, powers))


def _ridge(penalty: float, mean: bool = False) -> Callable[..., np.ndarray]:
    def rule(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        weight = penalty * (len(a) if mean else 1)
        return np.linalg.solve(a.T @ a + weight * np.eye(a.shape[1]), a.T @ b).T

    return _lifted(rule)


def _own_slopes(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.diag((a * b).sum(0) / (a**2).sum(0))


QUESTION = Question(
    name="ch05.edmd_operator",
    title="A linear map between lifted states",
    entry="edmd_operator",
    points=3,
    cases=_cases,
    oracle=_oracle,
    compare=_TOLERANCE,
    diagnoses=(
        answers_as(
            "transposed",
            "Your matrix is Kᵀ. Rows of data are states, so least squares gives the W of ψ(y)ᵀ ≈ ψ(x)ᵀW; the question"
            " asks for ψ(y) ≈ Kψ(x), K = Wᵀ. The eigenvalues agree, forecasts and eigenfunctions do not.",
            _lifted(_solve),
        ),
        answers_as(
            "backwards",
            "You solved for the map from y back to x. K takes ψ(x) to ψ(y): ψ(x) is the design matrix, ψ(y) the target."
            " With noise the inverse of one is not the other.",
            _lifted(lambda a, b: _solve(b, a).T),
            _lifted(lambda a, b: _solve(b, a)),
            _lifted(lambda a, b: np.linalg.inv(_solve(a, b).T)),
        ),
        answers_as(
            "not_lifted",
            "You regressed the states themselves: without x1² there is no linear map that bends. Lift both sides by all"
            " the functions in powers first, then regress.",
            lambda x, y, powers: _solve(x, y).T,
            lambda x, y, powers: _solve(x, y),
        ),
        answers_as(
            "only_x_lifted",
            "You lifted x and left y as it is: that predicts the next state, and K cannot be applied a second time."
            " Both sides are lifted; K is (m, m).",
            lambda x, y, powers: _solve(_lift(x, powers), y).T,
            lambda x, y, powers: _solve(_lift(x, powers), y),
        ),
        answers_as(
            "sorted",
            "You sorted columns before the regression. A row of x belongs to the same row of y: sorting each column for"
            " itself breaks the pairs.",
            _lifted(lambda a, b: _solve(np.sort(a, 0), np.sort(b, 0)).T),
            _lifted(lambda a, b: _own_slopes(np.sort(a, 0), np.sort(b, 0))),
            lambda x, y, powers: _solve(_lift(np.sort(x, 0), powers), _lift(np.sort(y, 0), powers)).T,
        ),
        answers_as(
            "each_for_itself",
            "You fitted a slope for each function alone: K is diagonal. ψ_i(y) depends on all of ψ(x): regress each on"
            " the whole lifted state.",
            _lifted(_own_slopes),
        ),
        answers_as(
            "wrong_side",
            "The inverse stands on the wrong side. With G = Ψ(x)ᵀΨ(x) and A = Ψ(y)ᵀΨ(x), K = A G⁻¹; G⁻¹A is another"
            " matrix.",
            _lifted(lambda a, b: np.linalg.pinv(a.T @ a) @ (b.T @ a)),
            _lifted(lambda a, b: (a.T @ b) @ np.linalg.pinv(a.T @ a)),
        ),
        answers_as(
            "averaged",
            "You fitted an operator to each pair and averaged them. A single pair shows one direction and sends all"
            " others to 0, so the average is shrunk. Put all pairs into one regression.",
            _lifted(lambda a, b: np.mean([np.outer(q, p) / (p @ p) for p, q in zip(a, b, strict=True)], axis=0)),
        ),
        answers_as(
            "next_row",
            "You paired each row of x with the next one. Rows of x are states in any order; the successor of row i is"
            " row i of y.",
            lambda x, y, powers: _solve(_lift(x[:-1], powers), _lift(x[1:], powers)).T,
        ),
        answers_as(
            "centred",
            "You subtracted means before the regression. Here ψ(y) ≈ Kψ(x) has no offset; where one is wanted, the"
            " constant 1 is a function of the dictionary (powers all 0).",
            _lifted(lambda a, b: _solve(a - a.mean(0), b - b.mean(0)).T),
            _lifted(lambda a, b: _solve(a - a.mean(0), b - a.mean(0)).T),
        ),
        answers_as(
            "penalised",
            "Your K is shrunk: a ridge penalty is in it. The question asks for plain least squares.",
            *(_ridge(penalty, mean) for penalty in (1.0, 0.1, 0.01, 1e-3) for mean in (False, True)),
        ),
        answers_as(
            "summed_powers",
            "You added the powers of the coordinates. A function of the dictionary is their product: powers (2, 0) is"
            " x1² · x2⁰ = x1², not x1² + 1.",
            lambda x, y, powers: _solve((x[:, None] ** powers).sum(-1), (y[:, None] ** powers).sum(-1)).T,
        ),
        Diagnosis(
            "singular",
            "Your answer breaks where the data leave K open: Ψ(x)ᵀΨ(x) has no inverse there. Take the K of least norm:"
            " np.linalg.lstsq finds it, or np.linalg.pinv in place of the inverse.",
            lambda attempt: attempt.error == "LinAlgError",
        ),
        Diagnosis(
            "no_checks",
            "Bad input passes. Raise a ValueError that names y unless its shape is that of x, and one that names powers"
            " unless it has a column for each coordinate.",
            lambda attempt: accepts("y")(attempt) or accepts("powers")(attempt),
        ),
    ),
)
