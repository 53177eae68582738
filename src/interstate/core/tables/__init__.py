"""Items, their keys and indexes, and the expression languages of tables."""
