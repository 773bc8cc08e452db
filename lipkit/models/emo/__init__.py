"""EMO: latent diffusion that makes a portrait talk; and Hallo, which is built like it.

Tian et al., "EMO: Emote Portrait Alive" (2024), arXiv:2402.17485; Xu et al., "Hallo" (2024),
arXiv:2406.08801.
"""
