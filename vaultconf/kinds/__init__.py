"""One file per kind of object; each is found by being here."""
