"""Chapter 3, adaptive estimators."""
