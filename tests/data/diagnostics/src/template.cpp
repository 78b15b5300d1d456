#include <vector>

struct Opaque
{
};

template <typename T>
T
twice (T value)
{
  return value + value;
}

template <typename T>
T
four_times (T value)
{
  return twice (twice (value));
}

int
main ()
{
  std::vector<int> v;
  v.push_back (Opaque ());
  four_times (Opaque ());
}
