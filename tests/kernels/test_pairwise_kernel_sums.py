"""The streaming reference and the Triton kernel (in its interpreter) against a dense sum in float64."""

import subprocess
import sys

import pytest
import torch

from kernels.pairwise_kernel_sums import pairwise_kernel_sums, reference

pytestmark = pytest.mark.ch03
BLOCKING = """
import sys
class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name == "triton" or name.startswith("triton."):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Blocker())
"""


def dense(x, labels, noise_variance):
    x = x.double()
    distance = ((x[:, :, None] - x[:, None]) ** 2).sum(-1) / noise_variance.double().view(-1, 1, 1)
    same = (labels[:, None] == labels[None]).double()
    narrow, wide = torch.exp(-distance / 2), torch.exp(-distance / 8)
    return torch.stack([narrow.sum(2), (narrow * same).sum(2), wide.sum(2), (wide * same).sum(2)], -1)


def case(r, n, d, seed=0, classes=3, dtype=torch.float32):
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(r, n, d, generator=generator, dtype=dtype)
    labels = torch.randint(0, classes, (n,), generator=generator) * 5 - 3
    if n > 1:
        labels[0] = 99  # a class with a single member
    return x, labels, torch.linspace(0.05, 0.9, r, dtype=torch.float64) * d


@pytest.mark.parametrize("backend", ["torch", "triton"])
@pytest.mark.parametrize(
    "n, d", [(1, 1), (2, 3), (70, 1), (131, 3), (300, 5), (129, 10), (97, 16), (130, 17), (67, 33)]
)
def test_sums_agree_with_a_dense_float64_sum(backend, n, d):
    x, labels, s = case(2, n, d)
    found = pairwise_kernel_sums(x, labels, s, backend=backend)
    assert found.dtype == torch.float32 and found.shape == (2, n, 4)
    torch.testing.assert_close(found.double(), dense(x, labels, s), rtol=1e-5, atol=0)


@pytest.mark.parametrize("block", [1, 7, 64, 1000])
def test_the_block_size_changes_nothing(block):
    x, labels, s = case(1, 93, 4, dtype=torch.float64)
    found = reference.pairwise_kernel_sums(x, labels, s, block=block)
    torch.testing.assert_close(found, dense(x, labels, s), rtol=1e-12, atol=0)


@pytest.mark.parametrize("backend", ["torch", "triton"])
@pytest.mark.parametrize("d", [3, 20])
def test_a_huge_common_offset_changes_nothing(backend, d):
    x, labels, s = case(1, 80, d)
    x = (x * 1024).round() / 1024  # exactly representable also beside the offset
    shifted = pairwise_kernel_sums(x + 4096, labels, s, backend=backend)
    torch.testing.assert_close(shifted, pairwise_kernel_sums(x, labels, s, backend=backend), rtol=1e-5, atol=0)


@pytest.mark.parametrize("d", [2, 20])
def test_tight_clusters_far_apart_keep_their_inner_distances(d):
    x, labels, _ = case(1, 64, d)
    x = x * 0.05
    x[:, ::2] += 1000.0
    x[:, 1::2] -= 1000.0
    s = torch.tensor([1e-3 * d])
    # float32 would lose these distances beside 1000 squared; the reference notices and works in float64.
    found = pairwise_kernel_sums(x, labels, s, backend="torch").double()
    torch.testing.assert_close(found, dense(x, labels, s), rtol=1e-5, atol=0)


@pytest.mark.parametrize("backend", ["torch", "triton"])
def test_equal_samples_sum_to_their_counts_and_far_ones_to_one(backend):
    labels = torch.tensor([0, 0, 1, 1, 1])
    one = torch.ones(1)
    equal = pairwise_kernel_sums(torch.full((1, 5, 3), 7.0), labels, one, backend=backend)[0]
    assert equal.tolist() == [[5, 2, 5, 2]] * 2 + [[5, 3, 5, 3]] * 3
    far = pairwise_kernel_sums(torch.arange(5.0).view(1, 5, 1) * 1e3, labels, one, backend=backend)
    assert (far == 1).all()


def test_triton_absent_is_no_obstacle_and_asking_for_it_says_so():
    script = BLOCKING + (
        "import torch, corelib.information.kde, corelib.training, corelib.notebook\n"
        "from kernels.pairwise_kernel_sums import pairwise_kernel_sums as f\n"
        "a = (torch.zeros(1, 2, 1), torch.tensor([0, 1]), torch.ones(1))\n"
        "assert f(*a).tolist() == [[[2, 1, 2, 1]] * 2]\n"
        "try: f(*a, backend='triton')\n"
        "except ModuleNotFoundError as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "triton is not installed; use backend='torch'" in done.stdout


@pytest.mark.parametrize(
    "change, error, word",
    [
        ({"x": torch.ones(2, 3)}, ValueError, r"x has shape \(2, 3\)"),
        ({"x": torch.ones(1, 3, 2, dtype=torch.int64)}, TypeError, "x has dtype torch.int64"),
        ({"x": torch.full((1, 3, 2), float("nan"))}, ValueError, "x holds NaN"),
        ({"labels": torch.zeros(4, dtype=torch.int64)}, ValueError, r"labels has shape \(4,\)"),
        ({"labels": torch.zeros(3)}, TypeError, "labels has dtype"),
        ({"noise_variance": torch.zeros(1)}, ValueError, r"noise_variance is \[0.0\]; expected finite numbers > 0"),
        ({"noise_variance": torch.ones(2)}, ValueError, r"noise_variance has shape \(2,\)"),
        ({"backend": "cuda"}, ValueError, "backend is 'cuda'"),
    ],
)
def test_bad_input_is_named(change, error, word):
    good = {"x": torch.ones(1, 3, 2), "labels": torch.zeros(3, dtype=torch.int64), "noise_variance": torch.ones(1)}
    with pytest.raises(error, match=word):
        pairwise_kernel_sums(**(good | change))


@pytest.mark.gpu
@pytest.mark.parametrize("d", [1, 5, 10, 17, 64])
def test_the_kernel_on_a_gpu_is_exact_and_deterministic(d):
    x, labels, s = (t.cuda() for t in case(3, 1000, d))
    found = pairwise_kernel_sums(x, labels, s)
    torch.testing.assert_close(found.double(), dense(x, labels, s), rtol=1e-5, atol=0)
    assert torch.equal(found, pairwise_kernel_sums(x, labels, s))
