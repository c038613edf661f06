"""The one thing that the plots of all subjects share: draw on axes that were given, or on new ones."""


def axes_or_new(ax, size: tuple[float, float]):
    """``fig, ax`` of the axes given, or new ones of ``size`` inches."""
    import matplotlib.pyplot as plt

    if ax is not None:
        return ax.figure, ax
    return plt.subplots(figsize=size)
