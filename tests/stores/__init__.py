"""What the tests of several backends have in common, whatever their servers speak."""
