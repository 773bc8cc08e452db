"""MuseTalk: the lower half of a face completed in latent space, in one step, to what Whisper hears.

Zhang et al., "MuseTalk: Real-Time High-Fidelity Video Dubbing via Spatio-Temporal Sampling"
(2024), arXiv:2410.10122.
"""
