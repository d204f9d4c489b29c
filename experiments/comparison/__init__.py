"""From evaluated workdirs to what differs between them, and how surely."""
