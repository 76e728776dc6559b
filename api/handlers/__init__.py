"""The API's handlers: decode, call, encode. One file for each kind of thing."""
