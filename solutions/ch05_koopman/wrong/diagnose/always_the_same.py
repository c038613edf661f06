"""Wrong: the answer is a constant."""


def diagnose(runs):
    """Which run is correct, had the wrong entropy sign, averaged its operator."""
    if len(runs) != 3:
        raise ValueError(f"there are {len(runs)} runs; expected 3")
    return {"correct": 0, "entropy_sign": 1, "averaged": 2}
