"""What a car drinks: fills read from a file, kept by month, reported."""
