int f (void) { return a1 + a2 + a3 + a4; }
