"""Wrong: total - loss is returned as the value."""


def kept_information(total, losses):
    """Range of the information that is left with m = 0 .. D axes, nats."""
    if not 0 <= total <= losses[0]:
        raise ValueError(f"total is {total}; expected 0 to {losses[0]}")
    low = total - losses
    high = total - losses
    return low, high
