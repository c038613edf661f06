"""The information loss: the weighted sum, the sign of the entropy, finite gradients, and weights that are refused."""

import dataclasses

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from corelib.koopman.autoencoders import KoopmanPass
from corelib.koopman.contrastive import temporal_infonce
from corelib.koopman.information_loss import InformationLoss
from corelib.koopman.spectra import von_neumann_entropy

pytestmark = pytest.mark.ch05

SIGNS = {"rewarded": -1, "penalised_as_released": 1}


def latents(b=3, t=10, d=4, seed=0):
    """Directions of different sizes, so that the entropy is below its largest value."""
    z = torch.randn(b, t, d, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return z * 0.5 ** torch.arange(d)


def found(z, forward=1.5, identity=0.7, structure=0.3):
    return KoopmanPass(z, *(torch.tensor(value, dtype=z.dtype) for value in (forward, identity, structure)))


weights = st.floats(0, 100)


@settings(max_examples=40, deadline=None)
@given(weights, weights, weights, weights, st.sampled_from(list(SIGNS)), st.sampled_from(["window", "batch"]))
def test_the_total_is_the_weighted_sum_of_the_terms(alpha, beta, gamma, identity_weight, entropy, negatives):
    loss = InformationLoss(
        alpha=alpha, beta=beta, gamma=gamma, identity_weight=identity_weight, entropy=entropy, negatives=negatives
    )
    z = latents()
    terms = loss(found(z))
    infonce = temporal_infonce(z, k=3, temperature=0.1, negatives=negatives).item() if alpha > 0 else 0.0
    spread = von_neumann_entropy(z).item()
    assert (terms.forward, terms.identity, terms.structure) == (1.5, 0.7, 0.3)
    assert terms.infonce.item() == pytest.approx(infonce) and terms.entropy.item() == pytest.approx(spread)
    total = 1.5 + identity_weight * 0.7 + beta * 0.3 + alpha * infonce + SIGNS[entropy] * gamma * spread
    assert terms.total.item() == pytest.approx(total, rel=1e-12, abs=1e-10)


@pytest.mark.parametrize(("entropy", "slope"), [("rewarded", -0.25), ("penalised_as_released", 0.25)])
def test_more_entropy_means_less_loss_unless_the_released_sign_is_asked_for(entropy, slope):
    terms = InformationLoss(gamma=0.25, entropy=entropy)(found(latents().requires_grad_()))
    assert torch.autograd.grad(terms.total, terms.entropy)[0].item() == slope


def test_a_step_down_the_loss_widens_the_latents_and_the_released_sign_narrows_them():
    z = latents().requires_grad_()
    for entropy, sign in SIGNS.items():
        (slope,) = torch.autograd.grad(InformationLoss(gamma=1.0, entropy=entropy)(found(z)).total, z)
        moved = von_neumann_entropy(z - 0.1 * slope) - von_neumann_entropy(z)
        assert sign * moved < 0 and abs(moved) > 1e-3


def test_by_default_only_the_errors_count_and_the_entropy_is_rewarded():
    loss = InformationLoss()
    assert loss(found(latents())).total.item() == pytest.approx(1.5 + 0.7)
    assert (loss.entropy, loss.negatives, loss.k) == ("rewarded", "window", 3)


def test_each_error_reaches_the_total_with_its_own_weight():
    z = latents()
    parts = [torch.tensor(value, dtype=torch.float64, requires_grad=True) for value in (1.0, 2.0, 3.0)]
    terms = InformationLoss(beta=0.5, identity_weight=0.1)(KoopmanPass(z, *parts))
    assert [g.item() for g in torch.autograd.grad(terms.total, parts)] == [1.0, 0.1, 0.5]


@pytest.mark.parametrize("change", [{"k": 1}, {"temperature": 0.5}, {"negatives": "batch"}])
def test_settings_of_the_contrast_are_passed_on(change):
    z = latents()
    terms = InformationLoss(alpha=1.0, **change)(found(z))
    expected = temporal_infonce(z, **({"k": 3, "temperature": 0.1, "negatives": "window"} | change))
    assert terms.infonce.item() == pytest.approx(expected.item())
    assert abs(expected.item() - temporal_infonce(z, k=3, temperature=0.1).item()) > 0.1


def test_without_a_weight_the_contrast_is_left_out_and_the_entropy_only_watched():
    z = latents(t=4).requires_grad_()  # too short for a contrast within windows
    terms = InformationLoss()(found(z))
    assert terms.infonce == 0 and not terms.total.requires_grad
    assert terms.entropy.item() == pytest.approx(von_neumann_entropy(z).item())
    with pytest.raises(ValueError, match=r"expected at least 2 k \+ 2 = 8 times"):
        InformationLoss(alpha=1.0)(found(z))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_terms_have_the_dtype_of_the_latents(dtype):
    terms = InformationLoss(alpha=1.0, beta=1.0, gamma=1.0)(found(latents().to(dtype)))
    assert {term.dtype for term in terms} == {dtype} and all(term.ndim == 0 for term in terms)


def rank_deficient(kind):
    z = latents()
    if kind == "a direction twice":
        z[..., 1] = z[..., 0]
    elif kind == "one direction":
        z[..., 1:] = 0
    elif kind == "two samples":
        z = z[:1, :2]
    elif kind == "equal directions":
        z = torch.eye(4, dtype=torch.float64)[None]
    return z


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("entropy", list(SIGNS))
@pytest.mark.parametrize("kind", ["a direction twice", "one direction", "two samples", "equal directions"])
def test_gradients_are_finite_where_the_latents_lack_directions(kind, entropy, dtype):
    z = rank_deficient(kind).to(dtype).requires_grad_()
    terms = InformationLoss(alpha=1.0, gamma=1.0, negatives="batch", k=1, entropy=entropy)(found(z))
    terms.total.backward()
    assert torch.isfinite(terms.total) and torch.isfinite(z.grad).all()
    assert z.grad.abs().max() > 0 or kind == "two samples"  # which span one direction whatever they do


@pytest.mark.parametrize(
    ("z", "message"),
    [
        (torch.ones(2, 8, 3), "zero variance"),
        (torch.ones(1, 1, 3), "z has 1 samples; expected at least 2"),
        (torch.full((2, 8, 3), torch.nan), "NaN"),
    ],
)
def test_latents_without_a_spread_are_refused(z, message):
    with pytest.raises(ValueError, match=message):
        InformationLoss(gamma=1.0)(found(z))


@pytest.mark.parametrize("entropy", list(SIGNS))
def test_a_negative_weight_of_the_entropy_is_refused_with_the_reason(entropy):
    with pytest.raises(ValueError, match=r"gamma is -0\.1; the entropy is rewarded: pass a positive weight"):
        InformationLoss(gamma=-0.1, entropy=entropy)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        *(({name: -1.0}, ValueError, f"{name} is -1.0; expected") for name in ("alpha", "beta", "identity_weight")),
        *(
            ({name: value}, ValueError, f"{name} is {value}; expected a finite weight >= 0")
            for name in ("alpha", "beta", "gamma", "identity_weight")
            for value in (float("nan"), float("inf"))
        ),
        ({"temperature": 0.0}, ValueError, "temperature is 0.0; expected a finite number > 0"),
        ({"temperature": float("nan")}, ValueError, "temperature is nan"),
        ({"k": 0}, ValueError, "k is 0; expected an integer >= 1"),
        ({"k": 1.5}, TypeError, "k is 1.5; expected an integer >= 1"),
        ({"negatives": "all"}, ValueError, "negatives is 'all'; expected one of"),
        ({"entropy": "penalised"}, ValueError, "entropy is 'penalised'; expected one of"),
    ],
)
def test_weights_and_options_out_of_range_are_refused(change, error, message):
    with pytest.raises(error, match=message):
        InformationLoss(**change)


def test_a_loss_cannot_be_changed_behind_its_checks():
    with pytest.raises(dataclasses.FrozenInstanceError):
        InformationLoss().gamma = -1.0
