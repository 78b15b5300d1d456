int
f (void)
{
	int	x = "äöü",	y = missing;
	return x;
}
