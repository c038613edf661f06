"""Chapter 4, the R-learner on networks."""

#: The chapter's questions in the order of its exercises.
QUESTIONS = (
    "constant_effect",
    "linear_effect",
    "cross_fit_nodes",
    "blind_floor",
    "r_loss_step",
    "t_learner",
    "s_learner",
    "hub_report",
    "paired_report",
)
