"""What the tests stand on: real servers, a raw client, the command line, a project folder."""
