"""One launch a step, one lane a cell: it collects nine populations, relaxes them and stores them in the other buffer.

Where a population comes from is computed, not looked up: a table would be as much traffic as the populations.
"""

import torch
import triton
import triton.language as tl
from torch import Tensor

BLOCK = 128  # cells; one a thread leaves room for many threads, which hide the memory's delay


@triton.jit
def _arriving(
    old_ptr,
    solid_ptr,
    inlet_ptr,
    x,
    y,
    nx,
    ny,
    cells,
    PLACE: tl.constexpr,
    OPPOSITE: tl.constexpr,
    RIGHT: tl.constexpr,
    DOWN: tl.constexpr,
):
    """Population of direction (RIGHT, DOWN) that arrives in the cells (x, y)."""
    if RIGHT < 0:
        x = tl.minimum(x, nx - 2)  # nothing comes from beyond the open end: as one cell before
    from_y = y - DOWN
    if DOWN > 0:
        from_y = tl.where(from_y < 0, ny - 1, from_y)
    if DOWN < 0:
        from_y = tl.where(from_y == ny, 0, from_y)
    inside = (y < ny) & (x > 0)  # the first column is fed
    here, there = y * nx + x, from_y * nx + x - RIGHT
    stays = tl.load(solid_ptr + here, mask=inside, other=0) != 0
    turns = tl.load(solid_ptr + there, mask=inside, other=0) != 0
    # What would come out of the solid is what went into it; solid cells keep what they have.
    source = tl.where(stays, PLACE * cells + here, tl.where(turns, OPPOSITE * cells + here, PLACE * cells + there))
    hopped = tl.load(old_ptr + source, mask=inside, other=1.0)
    fed = tl.load(inlet_ptr + PLACE * ny + y, mask=(y < ny) & (x == 0), other=1.0)
    return tl.where(x == 0, fed, hopped)


@triton.jit
def _relaxed(f, share, along, still, rate):
    """Populations moved towards equilibrium; ``still`` is 1 - 1.5 speed^2, ``share`` is weight times density."""
    return f + rate * (share * (still + along * (3.0 + 4.5 * along)) - f)


@triton.jit(do_not_specialize=["step"])
def stream_and_collide_kernel(
    old_ptr,  # (9, ny, nx)
    new_ptr,  # (9, ny, nx)
    solid_ptr,  # (ny, nx) uint8
    inlet_ptr,  # (9, ny)
    across_ptr,  # (steps,) velocity down at the probe
    rate,
    nx,
    ny,
    probe,  # place of the probe in a plane
    step,
    BLOCK: tl.constexpr,
):
    """One step of BLOCK cells; directions are numbered as in the reference."""
    j = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    x, y = j % nx, j // nx
    cells = tl.cast(ny, tl.int64) * nx  # nine planes may be more than 32 bits can count
    f0 = _arriving(old_ptr, solid_ptr, inlet_ptr, x, y, nx, ny, cells, 0, 0, 0, 0)
    f1 = _arriving(old_ptr, solid_ptr, inlet_ptr, x, y, nx, ny, cells, 1, 3, 1, 0)
    f2 = _arriving(old_ptr, solid_ptr, inlet_ptr, x, y, nx, ny, cells, 2, 4, 0, 1)
    f3 = _arriving(old_ptr, solid_ptr, inlet_ptr, x, y, nx, ny, cells, 3, 1, -1, 0)
    f4 = _arriving(old_ptr, solid_ptr, inlet_ptr, x, y, nx, ny, cells, 4, 2, 0, -1)
    f5 = _arriving(old_ptr, solid_ptr, inlet_ptr, x, y, nx, ny, cells, 5, 7, 1, 1)
    f6 = _arriving(old_ptr, solid_ptr, inlet_ptr, x, y, nx, ny, cells, 6, 8, -1, 1)
    f7 = _arriving(old_ptr, solid_ptr, inlet_ptr, x, y, nx, ny, cells, 7, 5, -1, -1)
    f8 = _arriving(old_ptr, solid_ptr, inlet_ptr, x, y, nx, ny, cells, 8, 6, 1, -1)
    density = f0 + f1 + f2 + f3 + f4 + f5 + f6 + f7 + f8
    right = tl.div_rn(f1 - f3 + f5 - f6 - f7 + f8, density)
    down = tl.div_rn(f2 - f4 + f5 + f6 - f7 - f8, density)
    # Rounded to the nearest: an approximate 1/36 errs to one side in every step, and the flow would gain momentum.
    part = tl.div_rn(density, 36.0)
    still = 1.0 - 1.5 * (right * right + down * down)
    valid = y < ny
    out = new_ptr + j
    tl.store(out, _relaxed(f0, 16.0 * part, 0.0, still, rate), mask=valid)
    tl.store(out + cells, _relaxed(f1, 4.0 * part, right, still, rate), mask=valid)
    tl.store(out + 2 * cells, _relaxed(f2, 4.0 * part, down, still, rate), mask=valid)
    tl.store(out + 3 * cells, _relaxed(f3, 4.0 * part, -right, still, rate), mask=valid)
    tl.store(out + 4 * cells, _relaxed(f4, 4.0 * part, -down, still, rate), mask=valid)
    tl.store(out + 5 * cells, _relaxed(f5, part, right + down, still, rate), mask=valid)
    tl.store(out + 6 * cells, _relaxed(f6, part, down - right, still, rate), mask=valid)
    tl.store(out + 7 * cells, _relaxed(f7, part, -right - down, still, rate), mask=valid)
    tl.store(out + 8 * cells, _relaxed(f8, part, right - down, still, rate), mask=valid)
    tl.store(across_ptr + step + j * 0, down, mask=j == probe)


def launch(
    populations: Tensor, obstacle: Tensor, inlet: Tensor, rate: float, steps: int, probe: tuple[int, int]
) -> tuple[Tensor, Tensor]:
    """Run the steps in float32; arguments and result as in the public function.

    Raises:
        ValueError: the populations are not on a CUDA device, and Triton does not interpret.
    """
    if not populations.is_cuda and not triton.knobs.runtime.interpret:
        raise ValueError(
            f"backend is 'triton' and the populations are on {populations.device}; expected a CUDA device, another "
            "backend, or TRITON_INTERPRET=1 set before Python starts (slow)"
        )
    _, ny, nx = populations.shape
    old = populations.float().contiguous()
    buffers = torch.empty_like(old), torch.empty_like(old)
    solid, fed = obstacle.to(torch.uint8).contiguous(), inlet.float().contiguous()
    across = old.new_empty(steps)
    grid, place = (triton.cdiv(ny * nx, BLOCK),), probe[0] * nx + probe[1]
    for step in range(steps):
        new = buffers[step % 2]
        stream_and_collide_kernel[grid](old, new, solid, fed, across, rate, nx, ny, place, step, BLOCK)
        old = new
    return old.to(populations.dtype), across.to(populations.dtype)
