"""On the Continuity of Rotation Representations in Neural Networks (Zhou et al. 2018) as a live panel."""
