"""What people ask of the controller: a command, the application it is for, and the answer."""
