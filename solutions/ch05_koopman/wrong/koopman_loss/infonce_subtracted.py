"""Wrong: the InfoNCE loss is subtracted, as if it were the information."""


def koopman_loss(x, decoded, forecast, z, K, infonce, entropy, weights):
    """The objective of a Koopman autoencoder, to be minimised."""
    if weights["gamma"] < 0:
        raise ValueError(f"gamma is {weights['gamma']}; the entropy is rewarded: expected a weight >= 0")

    def mse(a, b):
        return ((a - b) ** 2).mean()

    reconstruction = mse(forecast, x[:, 1:]) + weights["identity"] * mse(decoded, x)
    structure = mse(z[:, :-1] @ K.T, z[:, 1:])
    return float(reconstruction + weights["beta"] * structure - weights["alpha"] * infonce - weights["gamma"] * entropy)
