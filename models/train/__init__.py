"""Training from a recipe: ``python -m models.train models/recipes/NAME.yaml --data DIR ... --out DIR``."""
