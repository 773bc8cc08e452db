"""JoyVASA (Cao et al. 2024, arXiv:2411.09209): speech to motion of LivePortrait's keypoints."""
