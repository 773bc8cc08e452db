"""VLOGGER: speech to the motion of a face's mesh, and diffusion that draws what the mesh does.

Corona et al., "VLOGGER: Multimodal Diffusion for Embodied Avatar Synthesis" (2024),
arXiv:2403.08764. ``aniportrait`` is the open system of the same two steps.
"""
