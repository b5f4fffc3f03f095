"""What changes the store: commands of the writer, by subject."""
