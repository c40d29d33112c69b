"""Django's commands, where `envconn` has something to add to them."""
