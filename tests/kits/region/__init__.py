"""The region and its parts in memory, and who comes to its doors: providers of sign-in, security keys, scripts."""
