"""The simulation as released with Sairam et al. (2025), kept as it is; :mod:`corelib.causal.simulation` corrects it.

Features average through two untrained layers before they enter a sine, so the effect hardly varies between nodes, and
not at all in draws where ReLU cuts off the first average everywhere; graphs differ in density as much as in topology;
nothing keeps probabilities of treatment away from 0 and 1.
Random numbers are drawn in the order of the released code, so that a seed means the same draw here as there (but for
Cora, whose nodes come in another order here).
"""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor, nn

from corelib.causal.data import NetworkCausalData
from corelib.causal.graphs import require_integer
from corelib.datasets.networks import cora

EFFECTS: dict[str, Callable[[Tensor, Tensor, Tensor], Tensor]] = {  # of features, their first and second average
    "simple_h": lambda x, h, h2: 2 + 1.5 * torch.sin(h[:, 0]),
    "local_x": lambda x, h, h2: 2 + 1.5 * torch.sin(x[:, 0]),
    "interaction": lambda x, h, h2: 2 + h[:, 0] * x[:, 1],
    "higher_order": lambda x, h, h2: 2 + 1.5 * torch.sin(h2[:, 0]),
}
GRAPHS = ("ba", "er", "sbm", "cora")
FEATURES = 10
TREATMENT_NOISE, NOISE = 0.3, 0.5


def published_simulation(
    seed: int, graph: str = "ba", effect: str = "simple_h", *, n: int | None = None, noise: float = NOISE
) -> NetworkCausalData:
    """Draw a study as the released code does.

    H = ReLU(GCN(X)) and H2 = ReLU(GCN(H)), each GCN two untrained layers as wide as X with ReLU between. A node is
    treated if 0.5 X_0 - 0.7 H_1 + 0.3 N(0, 1) is positive; y = H_0 + 0.5 X_1 + T tau + noise. The effect tau is

    - ``"simple_h"``: 2 + 1.5 sin H_0, of which next to nothing is left to vary;
    - ``"local_x"``: 2 + 1.5 sin X_0, a control that needs no graph;
    - ``"interaction"``: 2 + H_0 X_1;
    - ``"higher_order"``: 2 + 1.5 sin H2_0, which no released configuration uses.

    Args:
        seed: seed of everything drawn, from 0 to 2^32 - 1.
        graph: ``"ba"`` (four edges a new node, mean degree 8), ``"er"`` (p = 0.05, mean degree 50 at n = 1000),
            ``"sbm"`` (two halves, 0.1 within and 0.01 across, mean degree 55) or ``"cora"`` (real graph, words as X).
        effect: one of the four above.
        n: number of nodes, >= 10; None for 1000, and for Cora.
        noise: standard deviation of the outcome's noise, >= 0, units of y.

    Returns:
        The data with tau, m and e, ten standard normal features (Cora: 1433 words). All are training nodes.

    Raises:
        ValueError: an unknown name, a number out of range, ``n`` with Cora, a draw in which all or no nodes are
            treated, or a propensity that is 0 or 1 to double precision.

    Source: Sairam et al. (2025), released code; chapter 4, lesson 1.
    """
    check_choices(seed, graph, effect, n, noise)
    with lent_streams(seed):
        return simulate_published(graph, effect, n, noise)


def simulate_published(graph: str, effect: str, n: int | None, noise: float) -> NetworkCausalData:
    """What :func:`published_simulation` draws, from the global streams as they stand; arguments as there, unchecked."""
    with torch.no_grad():
        edge_index, x = _graph_and_features(graph, n or 1000)
        h = torch.relu(_untrained_gcn(x, edge_index))
        h2 = torch.relu(_untrained_gcn(h, edge_index))
        score = 0.5 * x[:, 0] - 0.7 * h[:, 1]
        t = (score + TREATMENT_NOISE * torch.randn(len(x)) > 0).float()
        tau = EFFECTS[effect](x, h, h2)
        b = h[:, 0] + 0.5 * x[:, 1]
        y = b + noise * torch.randn(len(x)) + t * tau
    e = torch.special.ndtr(score.double() / TREATMENT_NOISE)
    everyone = torch.ones(len(x), dtype=torch.bool)
    return NetworkCausalData(x, edge_index, t, y, everyone, ~everyone, tau=tau, m=b + e * tau, e=e)


def gcn_layer(in_features: int, out_features: int) -> nn.Module:
    """A graph convolution for one graph only: it keeps the operator of the first that it sees."""
    from torch_geometric.nn import GCNConv  # takes seconds to import

    return GCNConv(in_features, out_features, cached=True)


def _untrained_gcn(x: Tensor, edge_index: Tensor) -> Tensor:
    first, second = (gcn_layer(x.shape[1], x.shape[1]) for _ in range(2))
    return second(torch.relu(first(x, edge_index)), edge_index)


def _graph_and_features(graph: str, n: int) -> tuple[Tensor, Tensor]:
    from torch_geometric import utils

    if graph == "cora":
        network = cora()
        return network.edge_index, network.x.float()
    x = torch.randn(n, FEATURES)
    if graph == "ba":
        return utils.barabasi_albert_graph(n, 4), x
    if graph == "er":
        return utils.erdos_renyi_graph(n, 0.05), x
    return utils.stochastic_blockmodel_graph([n // 2, n - n // 2], [[0.1, 0.01], [0.01, 0.1]]), x


@contextmanager
def lent_streams(seed: int) -> Iterator[None]:
    """Seed the global streams of numpy and torch, from which PyTorch Geometric draws; put the old ones back after."""
    state = np.random.get_state()
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        np.random.seed(seed)
        try:
            yield
        finally:
            np.random.set_state(state)


def check_choices(seed: int, graph: str, effect: str, n: int | None, noise: float) -> None:
    """Refuse arguments that :func:`published_simulation` cannot take, with a ValueError."""
    require_integer("seed", seed, 0)
    if seed >= 2**32:
        raise ValueError(f"seed is {seed}; expected at most 2^32 - 1, the largest that numpy's global stream takes")
    if graph not in GRAPHS:
        raise ValueError(f"graph is {graph!r}; expected one of {', '.join(GRAPHS)}")
    if effect not in EFFECTS:
        raise ValueError(f"effect is {effect!r}; expected one of {', '.join(EFFECTS)}")
    if graph == "cora" and n is not None:
        raise ValueError(f"n is {n}; expected None for 'cora', which has its own nodes")
    if n is not None:
        require_integer("n", n, 10)
    if not 0 <= noise < math.inf:
        raise ValueError(f"noise is {noise}; expected a number >= 0")
