"""The paper's study of clusters, with its pitfall kept in sight: each of its data sets has a population of its own.

Widths, weight decays, data instances and seeds are crossed; all networks of one width train at once. An instance is a
new draw of the *centres* as well as of the points, so gaps of one instance share an offset, and rankings within an
instance may differ from the ranking over all.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
import torch

from corelib.datasets import clusters
from corelib.information.generalization.grid_study import measure_information, measure_norms
from corelib.information.generalization.model_information import LowRankGaussian, model_information
from corelib.training import StochasticEncoderEnsemble, evaluate_encoders, generalization_gap, train_encoders


@dataclass(frozen=True, eq=False)
class ClustersStudy:
    """One row a network; every column is ``(R,)``.

    Attributes:
        columns: factors "width", "weight_decay", "instance", "seed"; "train_error", "test_error", "loss_gap" (nats) and
            "error_gap"; information "mc", "loo", "jensen" (conditional) and "unconditional" on test inputs, nats;
            "model_information" I(S; theta of the encoder) by mean pairwise KL over the instances of the same width,
            decay and seed, nats; the norms of :func:`measure_norms`; "multiplier", where dual ascent ended.
        posteriors: the encoders' Gaussians of the first width, decay and seed, one an instance.
    """

    columns: dict[str, np.ndarray]
    posteriors: list[LowRankGaussian]

    def __getitem__(self, name: str) -> np.ndarray:
        return self.columns[name]

    def __len__(self) -> int:
        return len(self.columns["width"])


def run_clusters_study(
    widths: Sequence[int],
    *,
    weight_decays: Sequence[float] = (0.0, 0.01, 0.1),
    instances: int = 3,
    seeds: int = 3,
    dual_lr: float = 0.0,
    target_information: float = 1.5,
    n_train: int = 50,
    n_test: int = 250,
    steps: int = 300,
    lr: float = 0.01,
    swag_from: int = 200,
    swag_rank: int = 10,
    noise_seed: int = 0,
) -> ClustersStudy:
    """Train and measure networks 2 - w - w - w/2 - w/2 (code) - 5 on clusters of standard deviation 0.7.

    Args:
        widths: w, even, each an ensemble.
        weight_decays: to cross.
        instances: data sets, numbered from 0; the number seeds centres and points.
        seeds: initial weights; instances share them, as model information asks.
        dual_lr: step of the dual ascent that holds I(X;Z) at the target; 0 is plain training.
        target_information: nats.
        n_train: points trained on.
        n_test: points that gaps and information are measured on.
        steps: updates on all training points.
        lr: learning rate.
        swag_from: update from which parameters are collected.
        swag_rank: deviations kept.
        noise_seed: of the noise at evaluation.

    Returns:
        A :class:`ClustersStudy`.

    Raises:
        ValueError: no width or an odd one, fewer than two instances.

    Source: Kawaguchi et al. (2023), toy experiments of the released code (widths 32 .. 256, three instances and
    seeds, dual step 0 or 5e-4).
    """
    if len(widths) == 0 or any(w < 2 or w % 2 for w in widths):
        raise ValueError(f"widths is {list(widths)}; expected at least one, each even and >= 2")
    if instances < 2:
        raise ValueError(f"instances is {instances}; expected at least 2, for model information")
    data = [clusters(n_train + n_test, seed=i) for i in range(instances)]
    # Instances innermost: the posteriors of one setting then stand side by side.
    cells = [(d, s, i) for d, s, i in product(weight_decays, range(seeds), range(instances))]
    x = torch.stack([data[i].x for _, _, i in cells])
    y = torch.stack([data[i].y for _, _, i in cells])
    parts, shown = [], []
    for width in widths:
        ensemble = StochasticEncoderEnsemble(
            (2, width, width, width // 2, width // 2, 5), seeds=[s for _, s, _ in cells]
        )
        decay = torch.tensor([d for d, _, _ in cells])
        held = {"target_information": target_information, "dual_lr": dual_lr} if dual_lr else {}
        trace = train_encoders(
            ensemble,
            x[:, :n_train],
            y[:, :n_train],
            steps=steps,
            lr=lr,
            weight_decay=decay,
            swag_from=swag_from,
            swag_rank=swag_rank,
            **held,
        )
        encoders = [p.marginal(ensemble.encoder_columns()) for p in trace.posteriors]
        shown = shown or encoders[:instances]
        blocks = [model_information(encoders[k : k + instances]) for k in range(0, len(encoders), instances)]
        part = _measured(ensemble, x, y, n_train, noise_seed)
        part |= {"width": np.full(len(cells), width), "multiplier": trace.multipliers[-1]}
        part |= {
            name: np.array(c)
            for name, c in zip(("weight_decay", "seed", "instance"), zip(*cells, strict=True), strict=True)
        }
        parts.append(part | {"model_information": np.repeat(blocks, instances)})
    return ClustersStudy({name: np.concatenate([part[name] for part in parts]) for name in parts[0]}, shown)


def _measured(ensemble: StochasticEncoderEnsemble, x, y, n_train: int, seed: int) -> dict[str, np.ndarray]:
    noise = torch.Generator().manual_seed(seed)
    train = evaluate_encoders(ensemble, x[:, :n_train], y[:, :n_train], generator=noise)
    test = evaluate_encoders(ensemble, x[:, n_train:], y[:, n_train:], generator=noise)
    gap = generalization_gap(train, test)
    measured = measure_information(ensemble, x[:, n_train:], y[:, n_train:], noise) | measure_norms(ensemble)
    found = {"train_error": train.error, "test_error": test.error, "error_gap": gap.error, "loss_gap": gap.loss}
    return found | {name: values.double().numpy() for name, values in measured.items()}
