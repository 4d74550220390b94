"""Commands to the controller: their parsing, the application that each is for, and the answer."""
