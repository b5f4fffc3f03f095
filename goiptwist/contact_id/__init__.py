"""Contact ID, the language of alarm panels: its event, codes and notation. Pure."""
