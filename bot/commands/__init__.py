"""The larger commands of ``afterchat``, one module each; ``add`` joins them to the parser. Nothing is decided here."""
