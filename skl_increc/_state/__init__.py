"""Containers: ids to rows, growing rows, histories, and the named fields of a model's state."""
