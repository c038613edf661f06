"""Train a grid of stochastic encoders on several training sets each, and measure gaps, information and norms.

Networks of one shape and size of training set are one ensemble. A row of the result is one network; the rows of
one setting differ in their training set only, all drawn from one population.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
import torch
from torch import Tensor
from tqdm.auto import tqdm

from corelib.datasets import Dataset, flip_labels
from corelib.information.encoder import conditional_encoder_information, encoder_information
from corelib.information.generalization.complexity import (
    information_rate,
    log_frobenius_product,
    log_spectral_product,
    parameter_count,
    path_norm,
    squared_frobenius,
)
from corelib.training import StochasticEncoderEnsemble, evaluate_encoders, generalization_gap, train_encoders


@dataclass(frozen=True)
class Setting:
    """One cell of a grid.

    Attributes:
        n: size of the training set.
        hidden: widths of the encoder's hidden layers.
        label_noise: share of labels replaced by another class, in training and test data alike.
        weight_decay: of all parameters.
        beta: weight of the penalty beta * I(X;Z).
    """

    n: int
    hidden: tuple[int, ...]
    label_noise: float = 0.0
    weight_decay: float = 0.0
    beta: float = 0.0


@dataclass(frozen=True, eq=False)
class GridStudy:
    """What was measured, one row a network.

    Attributes:
        settings: the S settings.
        groups: index into ``settings``, shape ``(R,)``.
        draws: number of the training set, shape ``(R,)``.
        train_error: share of training samples put in a wrong class, shape ``(R,)``.
        test_error: the same of test samples.
        error_gap: test minus train.
        loss_gap: the same of the cross-entropy, nats.
        information: I(X;Z|Y) on held-out inputs by "mc", "loo", "jensen", and I(X;Z) by "mc" under "unconditional";
            nats, each ``(R,)``.
        norms: "parameters", "squared_frobenius", "log_frobenius", "log_spectral", "path", each ``(R,)``.
    """

    settings: tuple[Setting, ...]
    groups: np.ndarray
    draws: np.ndarray
    train_error: np.ndarray
    test_error: np.ndarray
    error_gap: np.ndarray
    loss_gap: np.ndarray
    information: dict[str, np.ndarray]
    norms: dict[str, np.ndarray]

    def column(self, name: str) -> np.ndarray:
        """A factor of the settings, one value a row: n, label_noise, weight_decay, beta, width or depth.

        Raises:
            ValueError: an unknown name.
        """
        readers = {
            "width": lambda s: s.hidden[0] if s.hidden else 0,
            "depth": lambda s: len(s.hidden),
            **{key: (lambda s, key=key: getattr(s, key)) for key in ("n", "label_noise", "weight_decay", "beta")},
        }
        if name not in readers:
            raise ValueError(f"name is {name!r}; expected one of {', '.join(readers)}")
        return np.array([readers[name](self.settings[g]) for g in self.groups])

    def measures(self) -> dict[str, np.ndarray]:
        """Candidates for ordering networks by their gap, as in a league table; larger should mean a larger gap."""
        n, m = self.column("n").astype(float), self.norms["parameters"]
        rates = {
            "sqrt((I(X;Z|Y) + 1)/n)": "mc",
            "sqrt((I(X;Z) + 1)/n)": "unconditional",
            "loo: sqrt((I(X;Z|Y) + 1)/n)": "loo",
            "jensen: sqrt((I(X;Z|Y) + 1)/n)": "jensen",
        }
        return {
            # loo of a class may come out below -1 when codes hardly overlap within it.
            **{name: information_rate(np.maximum(self.information[key], 0), n) for name, key in rates.items()},
            "1/sqrt(n)": n**-0.5,
            "Frobenius/sqrt(n)": np.sqrt(self.norms["squared_frobenius"] / n),
            "log spectral - ln(n)/2": self.norms["log_spectral"] - 0.5 * np.log(n),
            "path norm/sqrt(n)": self.norms["path"] / np.sqrt(n),
            "sqrt(m/n)": np.sqrt(m / n),
            "parameters m": m,
        }


def run_grid(
    population: Dataset,
    settings: Sequence[Setting],
    *,
    draws: int,
    steps: int,
    lr: float,
    code_size: int = 16,
    information_points: int = 256,
    n_test: int = 1000,
    n_held_out: int = 400,
    seed: int = 0,
    progress: bool = False,
) -> GridStudy:
    """Train every setting on every draw of the training set and measure.

    Args:
        population: what training and test sets are drawn from, without replacement and disjoint.
        settings: the grid.
        draws: training sets for each setting; settings of one size share them, and initial weights.
        steps: updates on the whole training set.
        lr: learning rate.
        code_size: width of the code.
        information_points: most training samples that a step's penalty is estimated on.
        n_test: samples that gaps are measured on.
        n_held_out: of these, the inputs that information is measured on.
        seed: of everything drawn.
        progress: show a progress bar.

    Returns:
        A :class:`GridStudy`, rows in the order of the settings, draws within a setting.

    Raises:
        ValueError: no setting, too few samples in the population, or counts < 1.
        FloatingPointError: a network whose training diverged.

    Source: Kawaguchi et al. (2023) for architecture and optimiser; the grid is of chapter 1, lesson 3.
    """
    if len(settings) == 0 or draws < 1:
        raise ValueError(f"settings, draws are {len(settings)}, {draws}; expected at least one of each")
    largest = max(s.n for s in settings)
    if not 1 <= n_held_out <= n_test or largest + n_test > len(population):
        raise ValueError(
            f"n_test, n_held_out are {n_test}, {n_held_out}; expected n_held_out <= n_test <= "
            f"{len(population) - largest}, what {len(population)} samples leave beside {largest} for training"
        )
    sets = _DrawnSets(population, draws, n_test, seed)
    training = {"steps": steps, "lr": lr, "information_points": information_points}

    def shape(i: int):  # free networks apart: the others spend most of their time on the information
        return settings[i].n, settings[i].hidden, settings[i].beta > 0

    shapes = [list(group) for _, group in groupby(sorted(range(len(settings)), key=shape), key=shape)]
    rows: dict[tuple[int, int], dict[str, float]] = {}
    for members in tqdm(shapes, desc="shapes", disable=not progress, leave=False):
        cells = [(i, d) for i in members for d in range(draws)]
        columns = _train_and_measure([(settings[i], d) for i, d in cells], sets, training, code_size, n_held_out, seed)
        for row, cell in enumerate(cells):
            rows[cell] = {name: float(values[row]) for name, values in columns.items()}
    ordered = [(i, d) for i in range(len(settings)) for d in range(draws)]
    table = {name: np.array([rows[cell][name] for cell in ordered]) for name in rows[ordered[0]]}
    groups, numbers = np.array(ordered).T
    return GridStudy(
        tuple(settings),
        groups,
        numbers,
        *(table[name] for name in ("train_error", "test_error", "error_gap", "loss_gap")),
        {name: table[name] for name in ("mc", "loo", "jensen", "unconditional")},
        {name: table[name] for name in ("parameters", "squared_frobenius", "log_frobenius", "log_spectral", "path")},
    )


class _DrawnSets:
    """Training and test samples of each draw; draws of one number agree in all that their settings share."""

    def __init__(self, population: Dataset, draws: int, n_test: int, seed: int):
        self.population, self.n_test, self.seed = population, n_test, seed
        generator = torch.Generator().manual_seed(seed)
        self.orders = [torch.randperm(len(population), generator=generator) for _ in range(draws)]

    def get(self, setting: Setting, draw: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        noisy = flip_labels(self.population, setting.label_noise, seed=self.seed + 1 + draw)
        order = self.orders[draw]
        train, test = order[: setting.n], order[-self.n_test :]
        return noisy.x[train], noisy.y[train], noisy.x[test], noisy.y[test]


def _train_and_measure(
    cells: list[tuple[Setting, int]],
    sets: _DrawnSets,
    training: dict,
    code_size: int,
    n_held_out: int,
    seed: int,
) -> dict[str, np.ndarray | Tensor]:
    """One ensemble: settings of one shape and training size, each with the number of its draw."""
    x, y, x_test, y_test = (torch.stack(parts) for parts in zip(*(sets.get(*cell) for cell in cells), strict=True))
    sizes = (x.shape[2], *cells[0][0].hidden, code_size, sets.population.n_classes)
    ensemble = StochasticEncoderEnsemble(sizes, seeds=[seed + draw for _, draw in cells])
    decay, beta = (torch.tensor([getattr(s, name) for s, _ in cells]) for name in ("weight_decay", "beta"))
    train_encoders(ensemble, x, y, weight_decay=decay, beta=beta, **training)
    noise = torch.Generator().manual_seed(seed)
    train, test = (evaluate_encoders(ensemble, *part, generator=noise) for part in ((x, y), (x_test, y_test)))
    gap = generalization_gap(train, test)
    return {
        "train_error": train.error,
        "test_error": test.error,
        "error_gap": gap.error,
        "loss_gap": gap.loss,
        **measure_information(ensemble, x_test[:, :n_held_out], y_test[:, :n_held_out], noise),
        **measure_norms(ensemble),
    }


def measure_information(
    ensemble: StochasticEncoderEnsemble, x: Tensor, y: Tensor, generator: torch.Generator
) -> dict[str, Tensor]:
    """I(X;Z|Y) by "mc", "loo" and "jensen" and I(X;Z) by "mc" ("unconditional") from one draw of the codes.

    All models see the same noise, so what is found for one does not depend on the others.

    Args:
        ensemble: E models.
        x: inputs not trained on, shape ``(N, d)`` or ``(E, N, d)``.
        y: their labels, shape ``(N,)`` or ``(E, N)``; at least two of each class that occurs.
        generator: of the draw.

    Returns:
        Nats, each ``(E,)``.
    """
    with torch.no_grad():
        codes = ensemble.encode(x)
        z = codes.mean + codes.std * torch.randn(codes.mean.shape[1:], generator=generator).to(codes.mean)
        found = {m: conditional_encoder_information(codes, y, m, z=z) for m in ("mc", "loo", "jensen")}
        return {**found, "unconditional": encoder_information(codes, "mc", z=z)}


def measure_norms(ensemble: StochasticEncoderEnsemble) -> dict[str, Tensor]:
    """Count and norms of the weights, each ``(E,)``; products and paths run through the mean network to the scores."""
    main = [*ensemble.mean_weights, ensemble.classifier_weight]
    everything = [*main, *ensemble.std_weights]
    biases = [*ensemble.mean_biases, ensemble.classifier_bias, *ensemble.std_biases]
    return {
        "parameters": parameter_count(everything, biases),
        "squared_frobenius": squared_frobenius(everything),
        "log_frobenius": log_frobenius_product(main),
        "log_spectral": log_spectral_product(main),
        "path": path_norm(main),
    }
