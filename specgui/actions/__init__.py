"""What can be done: one registry of commands, from which menus, toolbar and palette are built."""
