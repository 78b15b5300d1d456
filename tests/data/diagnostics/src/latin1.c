/* café */
#error café
int f (void) { return gone; } /* é */
