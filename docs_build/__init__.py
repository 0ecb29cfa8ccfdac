"""What builds the documentation: generated pages, equations, the graph of the rules, screenshots."""
