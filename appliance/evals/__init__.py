"""How well it does: readers and desk measured over folders of real material, the company's own included."""
