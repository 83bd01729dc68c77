"""Where code is reviewed and merged: pull requests, reviews, comments and labels, behind the `Forge` port."""
