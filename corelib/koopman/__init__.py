"""Koopman operators from data: dynamic modes, spectra, and the information that a latent state keeps over time."""

from corelib.koopman.autoencoders import KoopmanAE, KoopmanPass, KoopmanVAE, ResidualEncoder, forecast, mlp
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
from corelib.koopman.information_loss import InformationLoss, LossTerms
from corelib.koopman.lattice_boltzmann import Flow, strouhal_number, vortex_street, vorticity
from corelib.koopman.metrics import nrmse, spectral_error, state_kld
from corelib.koopman.operators import koopman_least_squares, operator_powers, rollout
from corelib.koopman.pendulum_study import PENDULUM_LOSSES, PendulumData, PendulumRun, pendulum_data, train_pendulum
from corelib.koopman.pod import POD, fit_pod
from corelib.koopman.spectra import density_spectrum, effective_dimension, entropy_from_spectrum, von_neumann_entropy
from corelib.koopman.street_study import (
    STREET_SETTINGS,
    StreetData,
    StreetRun,
    StreetSetting,
    street_data,
    street_dmd_errors,
    street_errors,
    street_flows,
    street_sweep,
    train_street,
)
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
from corelib.koopman.training import History, fit_koopman, sliding_windows
from corelib.koopman.water_filling import entropic_water_filling, water_filling

__all__ = [
    "PENDULUM_LOSSES",
    "POD",
    "STREET_SETTINGS",
    "DMDResult",
    "DelayEmbedding",
    "EDMDResult",
    "Flow",
    "History",
    "InformationDecomposition",
    "InformationLoss",
    "KoopmanAE",
    "KoopmanPass",
    "KoopmanVAE",
    "LossTerms",
    "Monomials",
    "PendulumData",
    "PendulumRun",
    "ResidualEncoder",
    "StreetData",
    "StreetRun",
    "StreetSetting",
    "channel_gains",
    "density_spectrum",
    "dmd",
    "edmd",
    "effective_dimension",
    "entropic_water_filling",
    "entropy_from_spectrum",
    "fit_koopman",
    "fit_pod",
    "forecast",
    "gaussian_transition_kl",
    "information_decomposition",
    "koopman_least_squares",
    "kuramoto_sivashinsky",
    "kuramoto_sivashinsky_starts",
    "linear_gaussian_mi",
    "lorenz63",
    "lorenz63_starts",
    "mlp",
    "nrmse",
    "operator_powers",
    "pendulum",
    "pendulum_data",
    "pendulum_frames",
    "pendulum_starts",
    "rollout",
    "sliding_windows",
    "slow_manifold",
    "slow_manifold_flow",
    "spectral_error",
    "state_kld",
    "street_data",
    "street_dmd_errors",
    "street_errors",
    "street_flows",
    "street_sweep",
    "strouhal_number",
    "temporal_infonce",
    "train_pendulum",
    "train_street",
    "von_neumann_entropy",
    "vortex_street",
    "vorticity",
    "water_filling",
]
