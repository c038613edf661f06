"""Stochastic encoders at once against one by one; information that knows its channel against estimators that do not.

Training: 27 networks of the paper's clusters (three draws of data, three seeds, three weight decays), 300 updates and
SWAG over the last 100; the peer is plain ``nn.Module`` and ``torch.optim.SGD`` with the same initial weights and noise,
and must end at the same weights. Information: Z = X + noise with X normal in d dimensions, whose information is
d/2 ln(1 + 1/s2). Peers that are not installed are left out and named:

    pip install npeet-plus ennemi
    OMP_NUM_THREADS=1 python -m benchmarks.ensembles [--quick]
"""

import argparse
import math
import time
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from benchmarks.mutual_information import Estimator, cpu_seconds, peers
from benchmarks.table import row, show, target, write
from corelib.datasets.clusters import clusters
from corelib.information import ksg_mi
from corelib.information.encoder import GaussianCodes, encoder_information
from corelib.training.encoder_ensemble import StochasticEncoderEnsemble
from corelib.training.encoder_training import train_encoders
from corelib.training.ensemble import seeded_generator

RESULTS = Path(__file__).parent / "results" / "ensembles.csv"
OURS, LOOP = "corelib, all at once", "torch modules, one by one"
N_TRAIN, N_CLASSES, LR, MOMENTUM, CLIP = 50, 5, 1e-2, 0.9, 5.0
CHANNELS = ((1, 0.5), (4, 0.5), (16, 4.0), (16, 0.5))  # dimension and variance of the noise
CHANNEL_PEERS = ("npeet-plus", "ennemi")


class Encoder(nn.Module):
    """One stochastic encoder with its classifier, as one would write it for itself."""

    def __init__(self, ensemble: StochasticEncoderEnsemble, model: int):
        super().__init__()
        self.mean = _network(ensemble.mean_weights, ensemble.mean_biases, model)
        self.std = _network(ensemble.std_weights, ensemble.std_biases, model)
        self.classifier = _network([ensemble.classifier_weight], [ensemble.classifier_bias], model)
        self.floor = ensemble.std_floor

    def forward(self, x: Tensor, generator: torch.Generator) -> Tensor:
        """Class scores for one draw of the codes."""
        mean, std = self.mean(x), nn.functional.softplus(self.std(x)).clamp_min(self.floor)
        return self.classifier(mean + std * torch.randn(mean.shape, generator=generator))


def _network(weights: list[Tensor], biases: list[Tensor], model: int) -> nn.Sequential:
    layers = []
    for weight, bias in zip(weights, biases, strict=True):
        linear = nn.Linear(weight.shape[2], weight.shape[1])
        linear.weight.data.copy_(weight[model])
        linear.bias.data.copy_(bias[model])
        layers += [linear, nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def clusters_grid(width: int, n_models: int) -> tuple[StochasticEncoderEnsemble, Tensor, Tensor, Tensor]:
    """The first models of the 27: untrained ensemble, inputs ``(E, 50, 2)``, labels ``(E, 50)``, weight decays."""
    grid = [(draw, seed, decay) for decay in (0.0, 0.01, 0.1) for seed in range(3) for draw in range(3)][:n_models]
    draws = [clusters(N_TRAIN, centers=N_CLASSES, seed=draw) for draw, _, _ in grid]
    x, y = torch.stack([data.x for data in draws]), torch.stack([data.y for data in draws])
    sizes = (2, width, width, width // 2, width // 2, N_CLASSES)
    return StochasticEncoderEnsemble(sizes, [seed for _, seed, _ in grid]), x, y, torch.tensor([g[2] for g in grid])


def train_alone(ensemble, model: int, x: Tensor, y: Tensor, decay: float, steps: int, swag_from: int) -> Encoder:
    """Train one model as a plain module, with the moments and deviations that SWAG needs."""
    net, generator = Encoder(ensemble, model), seeded_generator(ensemble.seeds[model], 1)
    descent = torch.optim.SGD(net.parameters(), lr=LR, momentum=MOMENTUM, weight_decay=decay)
    mean = squares = torch.zeros(ensemble.parameters.shape[1])
    deviations = []
    for step in range(steps):
        descent.zero_grad()
        nn.functional.cross_entropy(net(x, generator), y).backward()
        nn.utils.clip_grad_norm_(net.parameters(), CLIP)
        descent.step()
        if step >= swag_from:
            theta, share = nn.utils.parameters_to_vector(net.parameters()).detach(), 1 / (step - swag_from + 1)
            mean, squares = mean.lerp(theta, share), squares.lerp(theta**2, share)
            deviations = [*deviations[-9:], theta - mean]
    return net


def training(width: int = 32, n_models: int = 27, steps: int = 300, repeats: int = 3) -> list[dict]:
    """CPU seconds of all models, taken in turn so that a drift of the machine meets both alike."""
    seconds, swag_from = {OURS: [], LOOP: []}, steps * 2 // 3
    _warm_up()
    for _ in range(repeats):
        ensemble, x, y, decay = clusters_grid(width, n_models)
        began = time.process_time()
        nets = [train_alone(ensemble, m, x[m], y[m], decay[m].item(), steps, swag_from) for m in range(n_models)]
        middle = time.process_time()
        train_encoders(ensemble, x, y, steps=steps, lr=LR, weight_decay=decay, clip=CLIP, swag_from=swag_from)
        seconds[LOOP].append(middle - began)
        seconds[OURS].append(time.process_time() - middle)
    _require_same_weights(ensemble, nets)
    op, size = f"{n_models} encoders of width {width}", ("steps", steps)
    rows = [row(op, name, "CPU time", "s", values, x=size) for name, values in seconds.items()]
    ratios = [theirs / ours for theirs, ours in zip(seconds[LOOP], seconds[OURS], strict=True)]
    # The target is for the narrow networks; the wide ones are bound by arithmetic, which no batching saves.
    config = target("8x", float(np.median(ratios)) >= 8) if width == 32 else ""
    return [*rows, row(op, LOOP, "ratio to ours", "x", ratios, config=config, x=size)]


def _warm_up() -> None:
    """The first optimiser loads seconds' worth of modules, which are not what is timed."""
    ensemble, x, y, decay = clusters_grid(4, 2)
    train_alone(ensemble, 0, x[0], y[0], decay[0].item(), 3, 1)
    train_encoders(ensemble, x, y, steps=3, lr=LR, swag_from=1)


def _require_same_weights(ensemble: StochasticEncoderEnsemble, nets: list[Encoder]) -> None:
    for m, net in enumerate(nets):
        pairs = [(net.classifier[0].weight, ensemble.classifier_weight[m])]
        for weights, part in ((ensemble.mean_weights, net.mean), (ensemble.std_weights, net.std)):
            pairs += [(layer.weight, weight[m]) for layer, weight in zip(part[::2], weights, strict=True)]
        for theirs, ours in pairs:
            # Single precision along hundreds of updates: rounding grows, in single entries more than over all.
            distance = ((theirs - ours).norm() / ours.norm()).item()
            if distance > 0.01:
                raise AssertionError(f"model {m} ends at other weights than its peer: relative distance {distance:.2g}")


def channel_estimators(noise_variance: float, installed: dict) -> dict[str, tuple[Estimator, bool]]:
    """Estimators of I(X; X + noise) in nats, and whether each takes more than one dimension; two know the noise."""

    def knowing(method: str) -> Estimator:
        def estimate(x: np.ndarray, z: np.ndarray) -> float:
            mean = torch.from_numpy(x)
            codes = GaussianCodes(mean, torch.full_like(mean, math.sqrt(noise_variance)))
            return float(encoder_information(codes, method, z=torch.from_numpy(z)))

        return estimate

    found = {f"corelib {method}, knows p(z|x)": (knowing(method), True) for method in ("mc", "loo")}
    found["corelib KSG1"] = (lambda x, z: ksg_mi(x, z, 3).value, True)
    return found | {name: installed[name] for name in CHANNEL_PEERS if name in installed}


def channels(n: int = 500, repeats: int = 20) -> list[dict]:
    """Error and time of every estimator on the linear Gaussian channels, on the same samples."""
    rows, installed = [], peers()
    for d, noise_variance in CHANNELS:
        truth = d / 2 * math.log1p(1 / noise_variance)
        op, rng = f"MI {d}-D, {truth:.3f} nats", np.random.default_rng(0)
        samples = [
            (x, x + math.sqrt(noise_variance) * rng.standard_normal((n, d)))
            for x in rng.standard_normal((repeats, n, d))
        ]
        for name, (estimator, any_dimension) in channel_estimators(noise_variance, installed).items():
            if d > 1 and not any_dimension:
                continue
            errors = [estimator(x, z) - truth for x, z in samples]
            seconds, _ = cpu_seconds(estimator, *samples[0])
            ceiling = f"ceiling ln N = {math.log(n):.2f}" if " mc," in name else ""
            rows.append(row(op, name, "error", "nats", errors, config=ceiling, x=("N", n)))
            rows.append(row(op, name, "CPU time", "s", seconds, x=("N", n)))
    return rows


def main() -> None:
    """Run and record."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="one repeat, and leave the recorded file alone")
    quick = parser.parse_args().quick
    torch.set_num_threads(1)
    rows = training(repeats=1 if quick else 5)
    if not quick:
        rows += training(width=128, repeats=3)
    rows += channels(repeats=3 if quick else 20)
    show(rows)
    if not quick:
        write(RESULTS, rows)


if __name__ == "__main__":
    main()
