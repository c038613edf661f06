"""How much a network's information says about its generalization: bounds, model information, measures, rank studies."""

from corelib.information.generalization.coverage import (
    CoverageStudy,
    Memoriser,
    coverage_study,
    draw_world,
    hash_encoder,
    majority_decoder,
    memoriser,
    memoriser_encoder,
    simulate_memoriser,
    zero_one_loss,
)
from corelib.information.generalization.finite_world import (
    BoundTerms,
    FiniteInformation,
    cell_weight,
    finite_information,
    ib_generalization_bound,
    typical_cells,
    union_bound_over_decoders,
)
from corelib.information.generalization.model_information import (
    LowRankGaussian,
    model_information,
    model_information_mc,
)

__all__ = [
    "BoundTerms",
    "CoverageStudy",
    "FiniteInformation",
    "LowRankGaussian",
    "Memoriser",
    "cell_weight",
    "coverage_study",
    "draw_world",
    "finite_information",
    "hash_encoder",
    "ib_generalization_bound",
    "majority_decoder",
    "memoriser",
    "memoriser_encoder",
    "model_information",
    "model_information_mc",
    "simulate_memoriser",
    "typical_cells",
    "union_bound_over_decoders",
    "zero_one_loss",
]
