"""Where results run: what a repository holds is found, planned, deployed on loopback, watched and removed."""
