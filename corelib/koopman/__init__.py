"""Koopman operators from data: dynamic modes, spectra, and the information that a latent state keeps over time."""

from corelib.koopman.contrastive import temporal_infonce
from corelib.koopman.dmd import DMDResult, dmd
from corelib.koopman.edmd import DelayEmbedding, EDMDResult, Monomials, edmd
from corelib.koopman.gaussian import (
    InformationDecomposition,
    channel_gains,
    gaussian_transition_kl,
    information_decomposition,
    linear_gaussian_mi,
)
from corelib.koopman.lattice_boltzmann import Flow, strouhal_number, vortex_street, vorticity
from corelib.koopman.metrics import nrmse, spectral_error, state_kld
from corelib.koopman.operators import koopman_least_squares, operator_powers, rollout
from corelib.koopman.spectra import density_spectrum, effective_dimension, entropy_from_spectrum, von_neumann_entropy
from corelib.koopman.systems import (
    kuramoto_sivashinsky,
    kuramoto_sivashinsky_starts,
    lorenz63,
    lorenz63_starts,
    pendulum,
    pendulum_frames,
    pendulum_starts,
    slow_manifold,
    slow_manifold_flow,
)
from corelib.koopman.water_filling import entropic_water_filling, water_filling

__all__ = [
    "DMDResult",
    "DelayEmbedding",
    "EDMDResult",
    "Flow",
    "InformationDecomposition",
    "Monomials",
    "channel_gains",
    "density_spectrum",
    "dmd",
    "edmd",
    "effective_dimension",
    "entropic_water_filling",
    "entropy_from_spectrum",
    "gaussian_transition_kl",
    "information_decomposition",
    "koopman_least_squares",
    "kuramoto_sivashinsky",
    "kuramoto_sivashinsky_starts",
    "linear_gaussian_mi",
    "lorenz63",
    "lorenz63_starts",
    "nrmse",
    "operator_powers",
    "pendulum",
    "pendulum_frames",
    "pendulum_starts",
    "rollout",
    "slow_manifold",
    "slow_manifold_flow",
    "spectral_error",
    "state_kld",
    "strouhal_number",
    "temporal_infonce",
    "von_neumann_entropy",
    "vortex_street",
    "vorticity",
    "water_filling",
]
