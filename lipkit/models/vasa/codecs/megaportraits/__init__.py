"""MegaPortraits (Drobyshev et al. 2022, arXiv:2207.07621): the face space that VASA-1 builds on."""
