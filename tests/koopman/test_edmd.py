"""Extended DMD: the slow manifold's eigenfunctions, spurious eigenvalues, re-lifting, dictionaries and peers."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from corelib.koopman.dmd import dmd
from corelib.koopman.edmd import DelayEmbedding, Monomials, edmd
from corelib.koopman.systems import lorenz63, lorenz63_starts, slow_manifold, slow_manifold_flow

pytestmark = pytest.mark.ch05


def invariant(x):
    """The dictionary x, y, x^2, which the slow manifold keeps."""
    return torch.stack([x[..., 0], x[..., 1], x[..., 0] ** 2], dim=-1)


def uniform(n=500):
    return torch.from_numpy(np.random.default_rng(0).uniform(-1, 1, (n, 2)))


def one_step(start):
    return start, slow_manifold(start, 1)[..., -1, :]


def coefficients(found, eigenvalue):
    """The eigenfunction's coefficients, that of y scaled to 1."""
    at = (found.eigenvalues - eigenvalue).abs().argmin()
    return (found.left_vectors[:, at] / found.left_vectors[1, at]).real.tolist()


def test_the_slow_manifold_has_its_eigenvalues_and_its_eigenfunction():
    found = edmd(*one_step(uniform()), invariant)
    assert found.eigenvalues.real.tolist() == pytest.approx([0.9, 0.81, 0.5], abs=1e-10)
    assert coefficients(found, 0.5) == pytest.approx([0, 1, -1], abs=1e-10)


def test_the_continuous_slow_manifold_has_its_eigenfunction():
    start = uniform()
    found = edmd(start, slow_manifold_flow(start, 1, dt=0.1)[..., -1, :], invariant)
    expected = [math.exp(-0.005), math.exp(-0.01), math.exp(-0.1)]
    assert found.eigenvalues.real.tolist() == pytest.approx(expected, abs=1e-10)
    assert coefficients(found, expected[2]) == pytest.approx([0, 1, -10 / 9], abs=1e-9)


def test_all_monomials_of_degree_two_add_two_spurious_eigenvalues():
    found = edmd(*one_step(uniform()), Monomials(2, 2))
    assert found.eigenvalues.real.tolist() == pytest.approx([1, 0.9, 0.81, 0.5, 0.4531, 0.2312], abs=5e-5)
    assert found.eigenvalues.imag.abs().max() < 1e-10


def test_a_step_multiplies_each_true_eigenfunction_by_its_eigenvalue():
    found = edmd(*one_step(uniform()), invariant)
    x, y = one_step(uniform(7) + 0.3)
    torch.testing.assert_close(found.eigenfunctions(y), found.eigenvalues * found.eigenfunctions(x))


@pytest.mark.parametrize("relift", [False, True])
def test_an_invariant_dictionary_forecasts_without_error(relift):
    found = edmd(*one_step(uniform()), invariant)
    start = torch.tensor([[0.8, -0.3], [-1.5, 2.0]], dtype=torch.float64)
    truth = slow_manifold(start, 12)[..., -12:, :]
    torch.testing.assert_close(found.predict(start, 12, relift=relift), truth, atol=1e-10, rtol=0)


def test_relifting_is_what_forecasts_chaos():
    """Lorenz-63 with cubic monomials: each step lifted anew, the forecast holds; lifted once, it is lost in 20."""
    path = lorenz63(lorenz63_starts(60, rng=0), 55)[:, -55:]
    train, test = path[:40], path[40:]
    found = edmd(train[:, :-1].flatten(0, 1), train[:, 1:].flatten(0, 1), Monomials(3, 3))
    errors = {}
    for relift in (False, True):
        missed = found.predict(test[:, 0], 50, relift=relift) - test[:, 1:51]
        errors[relift] = (missed / path.std((0, 1))).square().mean((0, 2)).sqrt()
    assert errors[True].max() < 0.05
    assert errors[False][19:].min() > 0.3


def test_a_linear_dictionary_is_dmd():
    x = uniform(40)
    y = x @ torch.tensor([[0.9, 0.0], [0.4, 0.5]], dtype=torch.float64) + 0.1 * uniform(40).flip(0)
    linear = edmd(x, y, lambda state: state)
    plain = dmd(x, y)
    torch.testing.assert_close(linear.eigenvalues, plain.eigenvalues, atol=1e-12, rtol=0)
    torch.testing.assert_close(linear.predict(x[:3], 4), plain.predict(x[:3], 4), atol=1e-12, rtol=0)


def test_a_function_listed_twice_does_not_spoil_the_forecast():
    found = edmd(*one_step(uniform()), lambda x: torch.cat([invariant(x), invariant(x)], dim=-1))
    start = torch.tensor([0.8, -0.3], dtype=torch.float64)
    torch.testing.assert_close(found.predict(start, 5), slow_manifold(start, 5)[-5:], atol=1e-10, rtol=0)


def test_monomials_are_named_and_ordered_by_degree():
    lift = Monomials(2, 2)
    assert lift.names == ("1", "x0", "x1", "x0^2", "x0 x1", "x1^2")
    assert lift(torch.tensor([2.0, 3.0])).tolist() == [1, 2, 3, 4, 6, 9]
    assert Monomials(1, 3, include_constant=False).names == ("x0", "x1", "x2")


@settings(max_examples=20, deadline=None)
@given(degree=st.integers(1, 4), n=st.integers(1, 4))
def test_there_are_as_many_monomials_as_the_binomial_says(degree, n):
    lift = Monomials(degree, n)
    x = torch.linspace(-1.5, 2.0, 3 * n, dtype=torch.float64).reshape(3, n)
    assert lift(x).shape == (3, math.comb(n + degree, degree))
    torch.testing.assert_close(lift(x), (x[:, None] ** lift.exponents).prod(-1))


def test_delays_put_the_newest_state_last():
    series = torch.arange(10.0).reshape(5, 2)
    embedded = DelayEmbedding(3)(series)
    assert embedded.tolist() == [[0, 1, 2, 3, 4, 5], [2, 3, 4, 5, 6, 7], [4, 5, 6, 7, 8, 9]]
    assert torch.equal(DelayEmbedding(3).newest(embedded), series[2:])
    assert torch.equal(DelayEmbedding(1)(series), series)
    assert DelayEmbedding(2)(series.expand(4, 5, 2)).shape == (4, 4, 4)


def test_two_delays_turn_one_cosine_into_a_rotation():
    series = torch.cos(0.3 * torch.arange(30, dtype=torch.float64))[:, None]
    single = dmd(series[:-1], series[1:])
    assert single.eigenvalues.imag.abs().max() == 0
    embedded = DelayEmbedding(2)(series)
    found = dmd(embedded[:-1], embedded[1:])
    assert found.eigenvalues.angle().tolist() == pytest.approx([0.3, -0.3], abs=1e-10)


def test_deeptime_finds_the_same_spurious_eigenvalues():
    deeptime = pytest.importorskip("deeptime.decomposition")
    basis = pytest.importorskip("deeptime.basis")
    x, y = one_step(uniform())
    peer = deeptime.EDMD(basis.Monomials(p=2, d=2)).fit((x.numpy(), y.numpy())).fetch_model()
    found = edmd(x, y, Monomials(2, 2)).eigenvalues.real.tolist()
    assert found == pytest.approx(sorted(np.real(peer.eigenvalues), reverse=True), abs=1e-10)


def test_fits_dictionaries_and_forecasts_refuse_bad_input():
    x, y = one_step(uniform(20))
    found = edmd(x, y, invariant)
    unstable = edmd(x, 3 * x, lambda state: state)
    for call, message in [
        (lambda: edmd(x[None], y[None], invariant), r"expected \(N, n\)"),
        (lambda: edmd(x, y[:-1], invariant), "that of x"),
        (lambda: edmd(x, y, invariant, ridge=-1), "ridge is -1"),
        (lambda: edmd(x, y, lambda s: s.log()), r"dictionary\(x\) holds NaN"),
        (lambda: edmd(x, y, lambda s: s[:3]), r"dictionary gives shape \(3, 2\) for 40 states; expected \(40, m\)"),
        (lambda: found.predict(torch.ones(3), 1), r"x has shape \(3,\)"),
        (lambda: found.predict(torch.ones(2), 0, relift=True), "steps is 0"),
        (lambda: unstable.predict(torch.ones(2), 1000), "overflows"),
        (lambda: unstable.predict(torch.ones(2), 1000, relift=True), "overflows"),
        (lambda: found.eigenfunctions(torch.ones(4, 3)), r"x has shape \(4, 3\)"),
        (lambda: Monomials(0, 2), "degree is 0"),
        (lambda: Monomials(2, 0), "n is 0"),
        (lambda: Monomials(2, 2)(torch.ones(3)), r"expected \(\.\.\., 2\)"),
        (lambda: DelayEmbedding(0), "q is 0"),
        (lambda: DelayEmbedding(3)(torch.ones(2, 2)), "T >= 3"),
        (lambda: DelayEmbedding(3).newest(torch.ones(4)), "q = 3"),
    ]:
        with pytest.raises(ValueError, match=message):
            call()
