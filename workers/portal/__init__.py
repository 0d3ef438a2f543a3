"""The Customer Portal in its two dialects behind one interface."""
