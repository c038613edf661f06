"""Chapter 3, adaptive estimators."""

#: The chapter's questions in the order of its exercises.
QUESTIONS = (
    "szt_task",
    "ebab_edges",
    "digitize",
    "plugin_information",
    "kde_bounds",
    "compression_score",
    "score_and_accuracy",
    "two_rulers",
)
