"""Files of the template that `workbench new-plugin` writes."""
