"""Chapter 5, information and Koopman models."""

#: The chapter's questions in the order of its exercises.
QUESTIONS = (
    "edmd_operator",
    "eigenfunctions",
    "von_neumann_entropy",
    "information_over_horizon",
    "water_filling",
    "entropic_water_filling",
    "temporal_infonce",
    "koopman_loss",
    "pooled_operator",
    "two_rollouts",
    "diagnose",
)
