int f (void) { const char *s = "äöü"; return s + fehlt; }
