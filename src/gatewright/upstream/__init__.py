"""The one room with sockets to providers: our own HTTP/1.1 client on llhttp."""
