"""From a configuration to the objects of a run, and its workdir."""
