"""Chapter 2, information through lossy compression."""

#: The chapter's questions in the order of its exercises.
QUESTIONS = (
    "kl_entropy",
    "ksg_mi",
    "kl_weights",
    "correlated_uniforms",
    "rectangles",
    "pca_loss_bounds",
    "kept_information",
    "phases",
    "processing_violations",
)
