"""Temporal InfoNCE: constant latents, sums written out, the ceiling, an optimal critic, and windows too short."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from corelib.information.neural import infonce_bound
from corelib.koopman.contrastive import temporal_infonce

pytestmark = pytest.mark.ch05


def latents(b=2, t=9, d=3, seed=0):
    return torch.randn(b, t, d, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def similarity_of(kind, u, v):
    return (u @ v / (u.norm() * v.norm()) if kind == "cosine" else u @ v).item()


def window_by_hand(z, k, temperature, kind):
    losses = []
    for window in z:
        for t in range(k, len(window) - k):
            e = {
                i: math.exp(similarity_of(kind, window[t], window[i]) / temperature)
                for i in range(len(window))
                if i != t
            }
            positive = sum(value for i, value in e.items() if abs(i - t) <= k)
            losses.append(-math.log(positive / sum(e.values())))
    return sum(losses) / len(losses)


def batch_by_hand(z, k, temperature, kind):
    flat, times, losses = z.reshape(-1, z.shape[-1]), z.shape[1], []
    for n, anchor in enumerate(flat):
        e = {i: math.exp(similarity_of(kind, anchor, flat[i]) / temperature) for i in range(len(flat)) if i != n}
        own = [i for i in e if i // times == n // times and abs(i - n) <= k]
        losses.append(-sum(math.log(e[i] / sum(e.values())) for i in own) / len(own))
    return sum(losses) / len(losses)


@pytest.mark.parametrize(("times", "value"), [(16, 0.916291), (12, 0.606136)])
def test_constant_latents_have_the_logarithm_of_a_count_in_the_window(times, value):
    z = torch.ones(4, times, 5)
    assert temporal_infonce(z, k=3, temperature=0.1).item() == pytest.approx(value, abs=1e-6)
    assert value == pytest.approx(math.log((times - 1) / 6), abs=1e-6)


def test_constant_latents_have_the_logarithm_of_the_others_in_the_batch():
    loss = temporal_infonce(torch.ones(3, 12, 2), k=3, temperature=0.1, negatives="batch")
    assert loss.item() == pytest.approx(math.log(35), abs=1e-5)


@pytest.mark.parametrize("kind", ["cosine", "dot"])
@pytest.mark.parametrize("k", [1, 3])
def test_both_versions_are_the_sums_written_out(kind, k):
    z = latents()
    window = temporal_infonce(z, k=k, temperature=0.5, similarity=kind)
    assert window.item() == pytest.approx(window_by_hand(z, k, 0.5, kind), rel=1e-10)
    batch = temporal_infonce(z, k=k, temperature=0.5, similarity=kind, negatives="batch")
    assert batch.item() == pytest.approx(batch_by_hand(z, k, 0.5, kind), rel=1e-10)


def test_a_batch_may_be_shorter_than_the_neighbourhood():
    z = latents(3, 4)
    loss = temporal_infonce(z, k=9, temperature=0.5, negatives="batch")
    assert loss.item() == pytest.approx(batch_by_hand(z, 9, 0.5, "cosine"), rel=1e-10)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 999), st.floats(0.05, 5))
def test_the_window_loss_is_never_negative_and_bounded_by_its_extremes(seed, temperature):
    """So the bound on information, ln((T - 1) / (2 k)) - loss, never exceeds the logarithm."""
    z = latents(2, 10, 3, seed)
    loss = temporal_infonce(z, k=2, temperature=temperature).item()
    worst = math.log(1 + 5 / 4 * math.exp(2 / temperature))
    assert 0 <= loss <= worst


def test_coherent_latents_have_less_loss_than_the_same_ones_shuffled():
    angle = torch.arange(16) * 0.2
    z = torch.stack([angle.cos(), angle.sin()], -1)[None]
    order = torch.randperm(16, generator=torch.Generator().manual_seed(0))
    for negatives in ("window", "batch"):
        loss, shuffled = (temporal_infonce(x, k=3, temperature=0.1, negatives=negatives) for x in (z, z[:, order]))
        assert loss < shuffled - 0.5


def test_windows_do_not_mix_and_their_order_does_not_count():
    z = latents(3)
    one_by_one = torch.stack([temporal_infonce(w[None], k=2, temperature=0.3) for w in z]).mean()
    torch.testing.assert_close(temporal_infonce(z, k=2, temperature=0.3), one_by_one)
    batch = temporal_infonce(z, k=2, temperature=0.3, negatives="batch")
    torch.testing.assert_close(temporal_infonce(z[[2, 0, 1]], k=2, temperature=0.3, negatives="batch"), batch)
    assert batch > temporal_infonce(z[:1], k=2, temperature=0.3, negatives="batch") + 0.2  # more to choose from


def test_lengths_do_not_count_for_the_cosine():
    z = latents()
    stretched = z * (1 + torch.arange(9)[:, None])
    for negatives in ("window", "batch"):
        args = {"k": 2, "temperature": 0.3, "negatives": negatives}
        torch.testing.assert_close(temporal_infonce(stretched, **args), temporal_infonce(z, **args))
        assert (
            temporal_infonce(stretched, similarity="dot", **args) - temporal_infonce(z, similarity="dot", **args)
        ) > 1


@pytest.mark.parametrize("negatives", ["window", "batch"])
def test_gradients_are_those_of_finite_differences(negatives):
    z = latents(2, 6, 2).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: temporal_infonce(x, k=1, temperature=0.5, negatives=negatives), z)


def test_large_scores_do_not_overflow():
    z = 1e3 * latents().float()
    for negatives in ("window", "batch"):
        loss = temporal_infonce(z, k=2, temperature=0.01, negatives=negatives, similarity="dot")
        assert torch.isfinite(loss) and loss >= 0 and loss.dtype == torch.float32


@pytest.mark.parametrize(("n", "value"), [(8, 0.682), (64, 0.808), (512, 0.820)])
def test_an_optimal_critic_is_held_back_by_the_number_of_candidates(n, value):
    """Correlation .9, .830 nats: the ceiling ln N is felt well below it."""
    generator = torch.Generator().manual_seed(n)
    rounds = max(6, 20_000 // n)
    found = []
    for _ in range(rounds):
        x, noise = torch.randn(2, n, generator=generator, dtype=torch.float64)
        y = 0.9 * x + math.sqrt(0.19) * noise
        found.append(infonce_bound((0.9 * x[:, None] * y - 0.405 * y**2) / 0.19))
    found = torch.stack(found)
    assert abs(found.mean().item() - value) < 4 * found.std().item() / math.sqrt(rounds) + 0.005
    assert found.max() <= math.log(n)


@pytest.mark.parametrize("times", [2, 5, 6, 7])
def test_windows_without_a_negative_are_refused(times):
    with pytest.raises(ValueError, match="expected at least 2 k \\+ 2 = 8 times"):
        temporal_infonce(torch.ones(2, times, 3), k=3, temperature=0.1)
    assert torch.isfinite(temporal_infonce(torch.ones(2, 8, 3), k=3, temperature=0.1))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"z": torch.ones(4, 3)}, "expected \\(B, T, d\\)"),
        ({"z": torch.ones(2, 1, 3)}, "T >= 2"),
        ({"z": torch.full((2, 9, 3), math.nan)}, "NaN"),
        ({"k": 0}, "k is 0; expected an integer >= 1"),
        ({"k": 1.0}, "k is 1.0"),
        ({"temperature": 0.0}, "temperature is 0.0"),
        ({"temperature": math.nan}, "temperature is nan"),
        ({"negatives": "all"}, "negatives is 'all'"),
        ({"similarity": "l2"}, "similarity is 'l2'"),
    ],
)
def test_bad_input_is_refused(change, message):
    good = {"z": torch.ones(2, 9, 3), "k": 2, "temperature": 0.1}
    with pytest.raises(ValueError, match=message):
        temporal_infonce(**(good | change))
