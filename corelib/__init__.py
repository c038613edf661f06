"""The library under the bottleneck course: estimators, training, data and notebook tools, by subject."""

__version__ = "0.1.0"
