constexpr int
count (int n)
{
  int sum = 0;

  for (int i = 0; i < n; i++)
    for (int j = 0; j < n; j++)
      sum += j & 1;
  return sum;
}

constexpr int value = count (10000);
