"""What is asked of the store, by subject. Readers have a connection of their own."""
