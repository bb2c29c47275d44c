"""Who signs for the region, and who enrols with it: authorities of a test's own, in memory."""
