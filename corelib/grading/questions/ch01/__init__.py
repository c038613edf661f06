"""Chapter 1, how the information bottleneck helps deep learning."""

#: The chapter's questions in the order of its exercises.
QUESTIONS = (
    "mc_information",
    "loo_information",
    "jensen_information",
    "conditional_information",
    "counting_bound",
    "memoriser",
    "what_failed",
    "hold_information",
    "league_table",
    "conditional_cs",
)
