"""Koopman operators from data: dynamic modes, spectra, and the information that a latent state keeps over time."""
