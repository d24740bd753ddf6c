"""The paper's statements and the dossier's checks, as claims that can be run."""
