"""Functions of the state that only get multiplied: chapter 5, exercise 1."""

from collections.abc import Callable

import numpy as np
import torch

from corelib.grading.compare import Close, Raises
from corelib.grading.question import Attempt, Case, Diagnosis, Question
from corelib.grading.questions._recognise import accepts
from corelib.koopman import edmd

# Eigenvectors of the matrices drawn here move by a few hundred times the rounding.
_TOLERANCE = Close(rtol=1e-8, atol=1e-8)
_SHOWN = 1e-6

Pair = tuple[np.ndarray, np.ndarray]


def _oracle(K: np.ndarray, at: np.ndarray) -> Pair:
    # With the unit vectors as states and the identity as dictionary, the fitted operator is K itself.
    fit = edmd(torch.eye(len(K), dtype=torch.float64), torch.from_numpy(K.T.copy()), lambda state: state)
    vectors = fit.left_vectors.numpy()
    return fit.eigenvalues.numpy(), vectors / (at @ vectors)


def _parabola(mu: float, lam: float) -> np.ndarray:
    """K of x1' = mu x1, x2' = lam x2 + (mu² - lam) x1² on (x1, x2, x1²)."""
    return np.array([[mu, 0, 0], [0, lam, mu**2 - lam], [0, 0, mu**2]])


def _with_spectrum(rng: np.random.Generator, block: np.ndarray) -> Pair:
    """A matrix similar to ``block``, and a lifted state at which none of its eigenfunctions vanishes."""
    size = len(block)
    V = np.eye(size) + 0.4 * np.triu(rng.uniform(0.3, 1.0, size=(size, size)), 1) + 0.1 * rng.normal(size=(size, size))
    return V @ block @ np.linalg.inv(V), V @ (rng.uniform(0.5, 1.5, size) * rng.choice([-1, 1], size))


def _swirl(modulus: float, angle: float) -> np.ndarray:
    c, s = modulus * np.cos(angle), modulus * np.sin(angle)
    return np.array([[c, -s], [s, c]])


def _cases(rng: np.random.Generator) -> list[Case]:
    mu, lam = rng.uniform(0.8, 0.95), rng.uniform(0.2, 0.5)
    angle = rng.uniform(0.3, 1.2)
    five = np.diag([0.3, 0.0, 0.0, 0.9, -0.6])
    five[1:3, 1:3] = _swirl(0.75, angle)
    two_pairs = np.zeros((4, 4))
    two_pairs[:2, :2], two_pairs[2:, 2:] = _swirl(0.6, 2 * angle), _swirl(1.0, angle)
    x1, x2 = rng.uniform(0.5, 1.5), rng.uniform(-1.5, -0.5)
    symmetric = np.array([[0.6, 0.2], [0.2, 0.3]])
    return [
        Case("the example by hand", (_parabola(0.5, 1.0), np.array([1.0, 2.0, 1.0]))),
        Case("the slow manifold", (_parabola(mu, lam), np.array([x1, x2, x1**2]))),
        Case("a rotation: a conjugate pair", (_swirl(0.9, angle), np.array([1.0, rng.uniform(0.2, 0.8)]))),
        Case("two conjugate pairs, not normal", _with_spectrum(rng, two_pairs)),
        Case("real eigenvalues and a pair, not normal", _with_spectrum(rng, five)),
        Case("real eigenvalues, one is 0", _with_spectrum(rng, np.diag([0.0, -0.9, 0.5, 0.7]))),
        Case("a symmetric K: left and right agree", (symmetric, np.array([1.0, rng.uniform(0.2, 0.4)]))),
        Case("one function", (np.array([[-0.7]]), np.array([rng.uniform(2, 3)]))),
        Case("K is not square", (np.ones((3, 2)), np.ones(3)), Raises("ValueError", ("K",))),
        Case(
            "one number of the lifted state is missing", (_parabola(mu, lam), np.ones(2)), Raises("ValueError", ("at",))
        ),
        Case(
            "a state on the parabola, where x2 − x1² is 0",
            (_parabola(0.5, 1.0), np.array([2.0, 4.0, 4.0])),
            Raises("ValueError", ("at",)),
        ),
    ]


def _same(a: np.ndarray, b: np.ndarray) -> bool:
    return a.shape == b.shape and bool(np.allclose(a, b, rtol=_SHOWN, atol=_SHOWN))


def _parallel(vectors: np.ndarray, others: np.ndarray) -> np.ndarray:
    """``[i, j]``: whether column i of the one is a multiple of column j of the other."""
    unit = [v / np.linalg.norm(v, axis=0) for v in (vectors, others)]
    return np.abs(unit[0].conj().T @ unit[1]) > 1 - _SHOWN**1.5


def _looks(shows: Callable[..., bool], *, ordered: bool = True) -> Callable[[Attempt], bool]:
    """Recognises by ``shows(K, at, expected vectors, vectors)``, as a rule where the eigenvalues are right."""

    def recognises(attempt: Attempt) -> bool:
        if attempt.expected is None:
            return False
        (right, wanted), (values, vectors) = attempt.expected, attempt.value
        if vectors.shape != wanted.shape or (ordered and not _same(right, values)) or _same(wanted, vectors):
            return False
        return bool(shows(*attempt.case.args, wanted, vectors))

    return recognises


def _reordered(attempt: Attempt) -> bool:
    right, values = attempt.expected[0], attempt.value[0]
    return right.shape == values.shape and not _same(right, values) and _same(_in_order(right), _in_order(values))


def _in_order(values: np.ndarray) -> np.ndarray:
    return np.sort_complex(values.astype(complex).round(9))


def _are_right_vectors(K: np.ndarray, at: np.ndarray, wanted: np.ndarray, vectors: np.ndarray) -> bool:
    right = np.linalg.inv(wanted).T  # biorthogonal to the left ones, in the same order
    return np.diag(_parallel(vectors, right)).all() and not np.diag(_parallel(vectors, wanted)).all()


def _are_conjugates(K: np.ndarray, at: np.ndarray, wanted: np.ndarray, vectors: np.ndarray) -> bool:
    return np.diag(_parallel(vectors, wanted.conj())).all() and not np.diag(_parallel(vectors, wanted)).all()


def _are_permuted(K: np.ndarray, at: np.ndarray, wanted: np.ndarray, vectors: np.ndarray) -> bool:
    found = _parallel(vectors, wanted)
    return (found.sum(0) == 1).all() and not np.diag(found).all() and not _are_conjugates(K, at, wanted, vectors)


def _are_scaled(K: np.ndarray, at: np.ndarray, wanted: np.ndarray, vectors: np.ndarray) -> bool:
    return np.diag(_parallel(vectors, wanted)).all()


def _have_modulus_one(K: np.ndarray, at: np.ndarray, wanted: np.ndarray, vectors: np.ndarray) -> bool:
    return _are_scaled(K, at, wanted, vectors) and _same(np.abs(at @ vectors), np.ones(len(at)))


def _has_values_of_a_triangle(attempt: Attempt) -> bool:
    K, _ = attempt.case.args
    found = _in_order(attempt.value[0])
    if _same(found, _in_order(attempt.expected[0])):
        return False
    return any(_same(found, _in_order(np.linalg.eigvalsh(matrix))) for matrix in (K, K.T))


def _lost_its_imaginary_part(wanted: np.ndarray, found: np.ndarray) -> bool:
    return not _same(wanted, wanted.real) and _same(wanted.real, found)


QUESTION = Question(
    name="ch05.eigenfunctions",
    title="Functions that are only multiplied",
    entry="eigenfunctions",
    points=2,
    cases=_cases,
    oracle=_oracle,
    compare=_TOLERANCE,
    diagnoses=(
        Diagnosis(
            "transposed",
            "Your columns are right eigenvectors, Kv = λv: these are the modes, the patterns that are added up. An"
            " eigenfunction is φ = wᵀψ with wᵀK = λwᵀ: a left eigenvector, np.linalg.eig(K.T).",
            _looks(_are_right_vectors),
        ),
        Diagnosis(
            "rows",
            "Your eigenfunctions stand in the rows. Return them as columns: W[:, j] belongs to eigenvalue j.",
            _looks(lambda K, at, wanted, vectors: _are_scaled(K, at, wanted, vectors.T)),
        ),
        Diagnosis(
            "conjugated",
            "Your coefficients are the conjugates of the right ones. wᵀK = λwᵀ has a plain transpose;"
            " scipy.linalg.eig(K, left=True), for one, returns the w of wᴴK = λwᴴ.",
            _looks(_are_conjugates),
        ),
        Diagnosis(
            "modulus_only",
            "Your eigenfunctions have modulus 1 at the reference state, not the value 1. Divide by the number itself,"
            " at @ w, with its sign and phase.",
            _looks(_have_modulus_one),
        ),
        Diagnosis(
            "not_normalised",
            "Your columns are eigenfunctions, but scaled differently. Divide each by its value at the reference state,"
            " at @ w (no conjugate), so that it is 1 there.",
            _looks(_are_scaled),
        ),
        Diagnosis(
            "vectors_left_behind",
            "You ordered the eigenvalues and not the columns: they do not belong to each other any more. Use the same"
            " order for both, W[:, order].",
            _looks(_are_permuted),
        ),
        Diagnosis(
            "wrong_order",
            "The eigenvalues are right, their order is not: largest modulus first, and of a conjugate pair the one with"
            " positive imaginary part first.",
            _reordered,
        ),
        Diagnosis(
            "real_parts",
            "You dropped imaginary parts. A rotation has complex eigenvalues and eigenfunctions; keep complex128.",
            lambda attempt: any(map(_lost_its_imaginary_part, attempt.expected, attempt.value)),
        ),
        Diagnosis(
            "symmetrised",
            "Your algorithm is for symmetric matrices (eigh): it reads one triangle of K and takes the other to be the"
            " same. K is not symmetric: np.linalg.eig.",
            _has_values_of_a_triangle,
        ),
        Diagnosis(
            "no_checks",
            "Bad input passes. Raise a ValueError that names K unless it is square, and one that names at unless it has"
            " m numbers and no eigenfunction vanishes there.",
            lambda attempt: accepts("K")(attempt) or accepts("at")(attempt),
        ),
    ),
)
