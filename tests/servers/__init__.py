"""Real servers that tests run against: started on free loopback ports, and surely ended."""
