int f (void) { return gone; }
