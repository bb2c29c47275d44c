"""The subject `people`: who may sign in, as what and where; for IT. Signing in itself is `region.web`'s."""
