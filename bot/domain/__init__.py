"""What crosses the house from room to room: frozen values, standard library only, and what writes hosts in ASCII."""
