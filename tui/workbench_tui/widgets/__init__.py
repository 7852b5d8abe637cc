"""What screens are made of: attributes down, messages up."""
