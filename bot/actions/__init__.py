"""What happens when somebody types a command, clicks, or submits a modal: one module a concern."""
