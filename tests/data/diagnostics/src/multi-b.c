int twice_defined = 2;
