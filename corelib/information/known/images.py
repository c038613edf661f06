"""Pairs of images whose mutual information is known: Gaussians turned into parameters, parameters into pictures.

A picture that shows its parameters injectively and smoothly keeps all of their information, so I(image; image') is
I(parameters; parameters'), however many pixels there are.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from corelib.information.known.families import correlated_uniform
from corelib.information.samples import as_samples

_ANTI_PCA_DIMENSION = 32


@dataclass(frozen=True)
class KnownImages:
    """N pairs of images, with the mutual information of the distribution that they come from.

    Attributes:
        x: images, shape ``(N, D)``, float64; D = size * size, row by row.
        y: images of the same kind, shape ``(N, D)``.
        u: parameters of ``x``, shape ``(N, n')``, in [0, 1].
        v: parameters of ``y``, likewise.
        mi: I(X;Y) = I(U;V) in nats, exact.
        kind: what the images show.
    """

    x: np.ndarray
    y: np.ndarray
    u: np.ndarray
    v: np.ndarray
    mi: float
    kind: str


def blob_images(u: np.ndarray, size: int = 16) -> np.ndarray:
    """Round blobs: pixel (p, q) is exp(-10 [(p - u1)^2 + (q - u2)^2]), with p and q from 0 to 1.

    Args:
        u: centres, shape ``(N, 2)``, in [0, 1].
        size: pixels along a side, >= 2.

    Returns:
        Shape ``(N, size * size)``, float64, in [0, 1].

    Raises:
        ValueError: another shape, values outside [0, 1], or a size below 2.

    Source: Butakov et al. (2024), synthetic images.
    """
    u = _as_parameters(u, 2)
    grid = np.linspace(0, 1, _as_size(size))
    rows, columns = (np.exp(-10 * (grid - u[:, [axis]]) ** 2) for axis in (0, 1))
    return _outer(rows, columns)


def correlated_blob_images(u: np.ndarray, size: int = 32) -> np.ndarray:
    """Elliptic blobs of any orientation: five parameters an image.

    Pixel (p, q) is exp(-10 [a^2 dp^2 + b^2 dq^2 + c a b dp dq]) with dp = p - u1, dq = q - u2, a = 1 + u3, b = 1 + u4
    and c = 2 u5 - 1.

    Args:
        u: shape ``(N, 5)``, in [0, 1].
        size: pixels along a side, >= 2.

    Returns:
        Shape ``(N, size * size)``, float64, in [0, 1].

    Raises:
        ValueError: as :func:`blob_images`.

    Source: Butakov et al. (2024), synthetic images.
    """
    u = _as_parameters(u, 5)
    grid = np.linspace(0, 1, _as_size(size))
    along = (1 + u[:, [2]]) * (grid - u[:, [0]])  # (N, size)
    across = (1 + u[:, [3]]) * (grid - u[:, [1]])
    mixed = (2 * u[:, 4, None, None] - 1) * along[:, :, None] * across[:, None, :]
    return np.exp(-10 * ((along**2)[:, :, None] + (across**2)[:, None, :] + mixed)).reshape(len(u), -1)


def rectangle_images(u: np.ndarray, size: int = 16, min_length: float | None = None) -> np.ndarray:
    """Rectangles whose pixels hold the area that is covered, so that no position is rounded away.

    Args:
        u: shape ``(N, 4)``, in [0, 1]: two numbers for the rows, two for the columns; see :func:`rectangle_edges`.
        size: pixels along a side, >= 3.
        min_length: least side as a fraction of the picture; 2 / size when not given. From there on every side covers
            a whole pixel, and the edges can be read off the picture.

    Returns:
        Shape ``(N, size * size)``, float64, in [0, 1]; the sum is the rectangle's area in pixels.

    Raises:
        ValueError: as :func:`blob_images`, or a ``min_length`` outside [2 / size, 1).

    Source: Butakov et al. (2024), synthetic images.
    """
    u, size = _as_parameters(u, 4), _as_size(size, least=3)
    min_length = 2 / size if min_length is None else min_length
    if not 2 / size <= min_length < 1:
        raise ValueError(f"min_length is {min_length}; expected a number from 2 / size = {2 / size:g} to below 1")
    edges = size * rectangle_edges(u, min_length)
    pixel = np.arange(size)
    covered = [
        np.clip(np.minimum(right, pixel + 1) - np.maximum(left, pixel), 0, 1)
        for left, right in ((edges[:, [0]], edges[:, [1]]), (edges[:, [2]], edges[:, [3]]))
    ]
    return _outer(*covered)


def rectangle_edges(u: np.ndarray, min_length: float) -> np.ndarray:
    """Where the rectangles of :func:`rectangle_images` begin and end.

    Along each axis, left = (1 - a)(1 - sqrt(1 - u1)) and right = left + a + u2 (1 - left - a), with a = min_length.

    Args:
        u: shape ``(N, 4)``, in [0, 1].
        min_length: a, as a fraction of the picture, in (0, 1).

    Returns:
        Shape ``(N, 4)``: first and last edge along the rows, then along the columns, in [0, 1].
    """
    left = (1 - min_length) * (1 - np.sqrt(1 - u[:, 0::2]))
    right = left + min_length + u[:, 1::2] * (1 - left - min_length)
    return np.stack([left, right], axis=-1).reshape(len(u), 4)


def anti_pca(u: np.ndarray) -> np.ndarray:
    """Vectors of 32 numbers on a surface whose widest direction is useless.

    With z = 2u - 1, the first two coordinates are z1 and z2, and the others are max(a_j, j a_j / 10) for
    a_j = z1 + j z2, j = 2 .. 31. Most of the variance belongs to z2.

    Args:
        u: shape ``(N, 2)``, in [0, 1]: the useful number, then the useless one.

    Returns:
        Shape ``(N, 32)``, float64.

    Raises:
        ValueError: another shape, or values outside [0, 1].

    Source: Butakov et al. (2024), the example against PCA.
    """
    z = 2 * _as_parameters(u, 2) - 1
    j = np.arange(2, _ANTI_PCA_DIMENSION)
    bent = z[:, [0]] + j * z[:, [1]]
    return np.hstack([z, np.maximum(bent, 0.1 * j * bent)])


# Kind of image: how to draw it, how many parameters it takes, and how many of those are shared by a pair.
_KINDS: dict[str, tuple[Callable[..., np.ndarray], int, int]] = {
    "blob": (blob_images, 2, 2),
    "correlated_blob": (correlated_blob_images, 5, 5),
    "rectangle": (rectangle_images, 4, 4),
    "anti_pca": (anti_pca, 2, 1),
}


def known_images(
    n: int,
    mi: float,
    *,
    kind: str = "blob",
    size: int | None = None,
    rotate: bool = False,
    rng: np.random.Generator,
) -> KnownImages:
    """Pairs of images with exactly ``mi`` nats between them.

    Correlated normals become uniforms by the normal CDF, and those the parameters of two images of one kind.

    Args:
        n: number of pairs.
        mi: I(X;Y) in nats, >= 0.
        kind: "blob" (2 parameters), "correlated_blob" (5), "rectangle" (4) or "anti_pca" (1, and 1 of noise).
        size: pixels along a side; 16 when not given. "anti_pca" always has 32 numbers and takes none.
        rotate: turn the normals by random rotations first, so that no parameter of one image belongs to a single
            parameter of the other: the same information, harder to estimate.
        rng: source of randomness.

    Returns:
        A :class:`KnownImages`.

    Raises:
        ValueError: an unknown kind, a size that the kind does not take, or as :func:`correlated_uniform`.

    Source: Butakov et al. (2024), algorithm 1.
    """
    draw = _renderer(kind, size)
    _, n_parameters, shared = _KINDS[kind]
    pair = correlated_uniform(n, mi, shared, shared, rng=rng, rotate=rotate)
    u, v = (np.hstack([side, rng.random((n, n_parameters - shared))]) for side in (pair.x, pair.y))
    return KnownImages(draw(u), draw(v), u, v, pair.mi, kind)


def image_source(kind: str = "blob", size: int | None = None) -> Callable[[int, np.random.Generator], np.ndarray]:
    """Endless fresh images of one kind, to train a compressor on.

    Args:
        kind: as for :func:`known_images`.
        size: as for :func:`known_images`.

    Returns:
        ``draw(n, rng) -> (n, D)`` images with the marginal distribution that :func:`known_images` has.

    Raises:
        ValueError: an unknown kind, or a size that the kind does not take.
    """
    draw = _renderer(kind, size)
    n_parameters = _KINDS[kind][1]
    return lambda n, rng: draw(rng.random((n, n_parameters)))


def _renderer(kind: str, size: int | None) -> Callable[[np.ndarray], np.ndarray]:
    if kind not in _KINDS:
        raise ValueError(f"kind is {kind!r}; expected one of {tuple(_KINDS)}")
    draw = _KINDS[kind][0]
    if kind != "anti_pca":
        side = 16 if size is None else _as_size(size)
        return lambda u: draw(u, side)
    if size is not None:
        raise ValueError(f"size is {size}; expected None for kind 'anti_pca', which is no picture")
    return draw


def _outer(rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Images ``(N, size * size)`` that are products of their profiles, each ``(N, size)``."""
    return (rows[:, :, None] * columns[:, None, :]).reshape(len(rows), -1)


def _as_parameters(u: np.ndarray, n_parameters: int) -> np.ndarray:
    u = as_samples("u", u, min_samples=1)
    if u.shape[1] != n_parameters:
        raise ValueError(f"u has shape {u.shape}; expected (N, {n_parameters})")
    if u.min() < 0 or u.max() > 1:
        raise ValueError(f"u ranges from {u.min():g} to {u.max():g}; expected parameters in [0, 1]")
    return u


def _as_size(size: int, least: int = 2) -> int:
    if isinstance(size, bool) or not isinstance(size, int | np.integer) or size < least:
        raise ValueError(f"size is {size!r}; expected an integer >= {least}")
    return int(size)
