"""What crosses the house from room to room: frozen values, standard library only."""
