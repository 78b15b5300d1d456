extern int missing_function (int);
extern int missing_data;

static int
helper (int a)
{
  return missing_function (a) + missing_data;
}

int
main (int argc, char **argv)
{
  return helper (argc) + missing_function (2);
}
