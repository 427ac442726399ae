"""What the screens are made of; widgets show view objects and post messages upward."""
