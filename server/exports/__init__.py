"""Files of history that clients ask for and read over OPC UA (Part 20, 4.4: temporary file transfer)."""
