"""Lip editing of real frames by the builtin model."""

from lipkit.models.vasa.editing.editor import MouthEditor

__all__ = ["MouthEditor"]
