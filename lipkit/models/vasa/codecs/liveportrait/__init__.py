"""LivePortrait (Guo et al. 2024, arXiv:2407.03168): a face moved by implicit keypoints."""
