"""Does a latent remember the velocity? A pendulum from pixels, with and without information terms in the loss.

The state of a pendulum is a circle of angles times a line of velocities. Three latents are trained on pairs of
frames; how well nearest neighbours in the latent space tell angle and velocity says what was kept.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from sklearn.neighbors import KNeighborsRegressor
from torch import Tensor

from corelib.koopman.autoencoders import KoopmanVAE, mlp
from corelib.koopman.information_loss import InformationLoss
from corelib.koopman.operators import require_count
from corelib.koopman.spectra import effective_dimension
from corelib.koopman.systems import pendulum, pendulum_frames, pendulum_starts
from corelib.koopman.training import History, fit_koopman

WINDOW, LATENTS, WIDTH, NEIGHBOURS = 12, 3, 96, 8

#: The ablation of the paper's figure 6, with weights that act on log-likelihoods summed over pixels.
PENDULUM_LOSSES: Mapping[str, InformationLoss] = {
    name: InformationLoss(alpha=alpha, beta=2.0, gamma=gamma, k=5, negatives="batch")
    for name, alpha, gamma in (
        ("neither", 0.0, 0.0),
        ("MI only", 4.0, 0.0),
        ("MI + entropy", 4.0, 10.0),
        ("entropy only", 0.0, 10.0),
    )
}


@dataclass(frozen=True, eq=False)
class PendulumData:
    """Trajectories of a pendulum as states and as pixels.

    Attributes:
        states: angle (rad) and velocity (rad/s), shape ``(n, 13, 2)``, float64.
        frames: two consecutive pictures, flat, shape ``(n, 13, 2 * size * size)``, float32 in [0, 1].
    """

    states: Tensor
    frames: Tensor

    def targets(self) -> np.ndarray:
        """cos(angle), sin(angle) and velocity at every frame, shape ``(n * 13, 3)``."""
        angle, velocity = self.states.flatten(0, 1).unbind(-1)
        return torch.stack([angle.cos(), angle.sin(), velocity], 1).numpy()


@dataclass(frozen=True, eq=False)
class PendulumRun:
    """A trained model and what its latents tell.

    Attributes:
        model: the model.
        history: of its training.
        latents: latent means of the held-out frames, shape ``(N, 3)``.
        r2: share of variance that nearest neighbours explain on held-out frames: of cos, sin and velocity.
        effective_dimension: e^S of the latent means of the training frames, between 1 and 3.
    """

    model: KoopmanVAE
    history: History
    latents: np.ndarray
    r2: np.ndarray
    effective_dimension: float


def pendulum_data(n: int, *, seed: int, size: int = 16) -> PendulumData:
    """Trajectories of 13 frames, 0.1 s apart, from random starts; some swing, some turn over.

    Args:
        n: number of trajectories, >= 1.
        seed: of the starts.
        size: pixels in a row and in a column, >= 4.

    Returns:
        A :class:`PendulumData`.

    Raises:
        ValueError: ``n < 1`` or ``size < 4``.
        TypeError: ``n`` or ``size`` not an integer.
    """
    states = pendulum(pendulum_starts(n, rng=seed), WINDOW + 1)
    return PendulumData(states[:, :-1], pendulum_frames(states, size=size).flatten(-3).float())


def train_pendulum(
    train: PendulumData,
    held_out: PendulumData,
    loss: InformationLoss,
    *,
    steps: int = 800,
    seed: int = 0,
    progress: bool = True,
) -> PendulumRun:
    """Train a variational Koopman autoencoder with three latents, and ask its latents for the state.

    Args:
        train: trajectories to train on.
        held_out: trajectories to score on, with pictures of the same size.
        loss: what to minimise.
        steps: minibatches of 16 windows, >= 1.
        seed: of weights, minibatches and sampled latents.
        progress: show a progress bar.

    Returns:
        A :class:`PendulumRun`.

    Raises:
        ValueError: ``steps < 1``, or pictures of two sizes.
        TypeError: ``steps`` not an integer.

    Source: Cheng et al. (2026), arXiv:2510.13025, figure 6; network, sizes and weights are ours.
    """
    require_count("steps", steps)
    pixels = train.frames.shape[-1]
    if held_out.frames.shape[-1] != pixels:
        raise ValueError(f"held_out has {held_out.frames.shape[-1]} pixels a frame; expected {pixels}, as train has")
    generator = torch.Generator().manual_seed(seed)
    encoder = mlp([pixels, WIDTH, WIDTH, 2 * LATENTS], generator=generator)
    model = KoopmanVAE(encoder, mlp([LATENTS, WIDTH, WIDTH, pixels], generator=generator), LATENTS)
    history = fit_koopman(model, train.frames[:, :WINDOW], loss, steps=steps, seed=seed, progress=progress)
    with torch.no_grad():
        seen, new = (model.encode(data.frames).flatten(0, 1) for data in (train, held_out))
    neighbours = KNeighborsRegressor(NEIGHBOURS).fit(seen.numpy(), train.targets())
    truth = held_out.targets()
    missed = ((neighbours.predict(new.numpy()) - truth) ** 2).mean(0) / truth.var(0)
    return PendulumRun(model, history, new.numpy(), 1 - missed, effective_dimension(seen).item())
