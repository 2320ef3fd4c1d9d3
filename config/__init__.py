"""What a user configures: settings, the fleet file, alarm limits and register maps, checked at start."""
