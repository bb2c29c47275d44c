Page {}
