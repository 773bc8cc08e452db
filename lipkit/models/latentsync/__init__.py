"""LatentSync: lip sync by latent diffusion (Li et al. 2024, arXiv:2412.09262)."""
