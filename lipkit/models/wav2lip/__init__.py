"""Wav2Lip: the lower half of a 96-pixel face, drawn at once from 0.2 s of mel.

Prajwal et al., "A Lip Sync Expert Is All You Need for Speech to Lip Generation In The Wild"
(2020), arXiv:2008.10010.
"""
