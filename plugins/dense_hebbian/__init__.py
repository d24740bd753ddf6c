"""Dense Hebbian neural networks: a replica symmetric picture of supervised learning (arXiv 2212.00606)."""
