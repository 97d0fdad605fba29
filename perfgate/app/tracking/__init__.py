"""Issues for what got slower on main: opened, kept up to date and closed."""
